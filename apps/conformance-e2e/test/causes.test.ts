import type { ExecuteOptions, ExecutionEnd, OutputChunk } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { provesThatTheSuiteCatches } from './support/caught.js';

provesThatTheSuiteCatches([
  {
    that: 'lets a stop overwrite the timeout that came before',
    create: (ports) => new LastCauseWins(ports, ({ stopped }, end) => (stopped ? 'stopped' : end.cause)),
    caughtBy: /a stop in the grace after the deadline is a timeout/,
    message: /The first cause of an end wins/,
  },
  {
    that: 'lets the deadline overwrite the stop that came before',
    create: (ports) => new LastCauseWins(ports, ({ late }, end) => (late ? 'timeout' : end.cause)),
    caughtBy: /a stop shortly before the deadline is a stop/,
    message: /The first cause of an end wins/,
  },
  {
    that: 'goes on with a run whose reader has left',
    create: (ports) => new RunsWithoutReader(ports),
    caughtBy: /a reader that leaves ends the run/,
    message: /getResult\(\) after the output has ended does not fail/,
  },
]);

interface Seen {
  readonly stopped: boolean;
  readonly late: boolean;
}

class LastCauseWins extends SandboxExecProvider {
  #seen: Seen = { stopped: false, late: false };

  constructor(
    ports: ConstructorParameters<typeof SandboxExecProvider>[0],
    private readonly causeOf: (seen: Seen, end: ExecutionEnd) => ExecutionEnd['cause'],
  ) {
    super(ports);
  }

  override async *execute(
    sandboxId: string,
    command: readonly string[],
    options: ExecuteOptions,
  ): AsyncGenerator<OutputChunk, void, undefined> {
    const started = performance.now();
    yield* super.execute(sandboxId, command, options);
    const late = performance.now() - started > options.timeoutMs;
    this.#seen = { stopped: options.signal?.aborted === true, late };
  }

  override async getResult(sandboxId: string): Promise<ExecutionEnd> {
    const end = await super.getResult(sandboxId);
    return { ...end, cause: this.causeOf(this.#seen, end) };
  }
}

/** Reads the program's output in the background, to its end. */
class RunsWithoutReader extends SandboxExecProvider {
  override async *execute(
    sandboxId: string,
    command: readonly string[],
    options: ExecuteOptions,
  ): AsyncGenerator<OutputChunk, void, undefined> {
    const iterator = super.execute(sandboxId, command, { ...options, timeoutMs: Math.min(3000, options.timeoutMs) });
    let next = await iterator.next();
    try {
      for (; next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      void drain(iterator);
    }
  }
}

async function drain(iterator: AsyncGenerator<OutputChunk, void, undefined>): Promise<void> {
  for (let next = await iterator.next(); next.done !== true;) next = await iterator.next();
}
