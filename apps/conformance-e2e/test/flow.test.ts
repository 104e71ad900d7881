import { SandboxError } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  ExecuteOptions,
  ExecutionEnd,
  OutputChunk,
  SandboxFiles,
  SandboxProcess,
} from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { drives, outputs, type Box } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';

type Chunks = AsyncGenerator<OutputChunk, void, undefined>;

/** Reads on while the reader waits, up to so many bytes; what comes then is dropped, or waits. */
function readsAhead(most: number, then: 'drop' | 'wait'): ReturnType<typeof outputs> {
  return outputs(async function* (chunks): Chunks {
    const queue: OutputChunk[] = [];
    let queued = 0;
    let over = false;
    const pump = async (): Promise<void> => {
      for await (const chunk of chunks) {
        while (queued > most && then === 'wait') await new Promise((resolve) => setTimeout(resolve, 10));
        if (queued > most) continue;
        queue.push(chunk);
        queued += chunk.data.length;
      }
    };
    const pumped = pump().finally(() => (over = true));
    while (!over || queue.length > 0) {
      const next = queue.shift();
      if (next === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      queued -= next.data.length;
      yield next;
    }
    await pumped;
  });
}

async function* untilSilence(process: SandboxProcess): Chunks {
  let silence: NodeJS.Timeout | undefined;
  try {
    for await (const chunk of process.output) {
      clearTimeout(silence);
      silence = setTimeout(() => void process.kill('SIGKILL'), 300);
      yield chunk;
    }
  } finally {
    clearTimeout(silence);
  }
}

/** Its deadline begins anew when the reader comes back. */
class WaitsForItsReader extends SandboxExecProvider {
  override async *execute(sandboxId: string, command: readonly string[], options: ExecuteOptions): Chunks {
    const late = new AbortController();
    const output = super.execute(sandboxId, command, { ...options, timeoutMs: 60_000, signal: late.signal });
    for (;;) {
      const timer = setTimeout(() => late.abort(), options.timeoutMs);
      const next = await output.next().finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value;
    }
  }
  override async getResult(sandboxId: string): Promise<ExecutionEnd> {
    const end = await super.getResult(sandboxId);
    return end.cause === 'stopped' ? { ...end, cause: 'timeout' } : end;
  }
}

async function* cutsOff(chunks: AsyncIterable<OutputChunk>): Chunks {
  let left = 100_000;
  for await (const chunk of chunks) {
    const data = chunk.data.subarray(0, left);
    left -= data.length;
    if (data.length > 0) yield { ...chunk, data };
  }
}

class BreaksBySignals extends SandboxExecProvider {
  readonly #broken = new Set<Box>();

  protected override async spawn(box: Box, run: CommandSpec): Promise<SandboxProcess> {
    if (this.#broken.has(box)) throw new SandboxError('SANDBOX011', 'The container is not running.');
    const process = await super.spawn(box, run);
    void process.ended.then(({ cause }) => cause === 'signalled' && this.#broken.add(box));
    return process;
  }
}

class ReachesFilesWhenIdle extends SandboxExecProvider {
  #running = 0;

  protected override async spawn(box: Box, run: CommandSpec): Promise<SandboxProcess> {
    const process = await super.spawn(box, run);
    this.#running++;
    void process.ended.then(() => this.#running--);
    return process;
  }
  override files(sandboxId: string): SandboxFiles {
    const files = super.files(sandboxId);
    const list: SandboxFiles['list'] = async (path, options) => {
      if (this.#running > 0) throw new SandboxError('SANDBOX007', 'A command runs.');
      return files.list(path, options);
    };
    return { ...files, list };
  }
}

provesThatTheSuiteCatches([
  {
    that: 'drops output when its reader is slow',
    create: readsAhead(200_000, 'drop'),
    caughtBy: /a slow reader slows the program, and loses nothing/,
    message: /Nothing of the output is lost, doubled or out of order/,
  },
  {
    that: 'reads 100 MB ahead of its reader',
    create: readsAhead(100_000_000, 'wait'),
    caughtBy: /what nobody reads is not collected without bound/,
    message: /Pause the source \(backpressure\)/,
  },
  {
    that: 'lets a deadline wait for a reader',
    create: (ports) => new WaitsForItsReader(ports),
    caughtBy: /a reader that waits does not hold up the deadline/,
    message: /A program is ended at its deadline, whether its output is read or not/,
  },
  {
    that: 'cuts output off at its limit',
    create: outputs(cutsOff),
    caughtBy: /what passes the limit of output arrives all the same/,
    message: /Do not count output/,
  },
  {
    that: 'takes silence for the end of a program',
    create: drives((process) => ({ output: untilSilence(process) })),
    caughtBy: /a program that closes its output goes on/,
    message: /Closed streams are not the end of a program/,
  },
  {
    that: 'cannot run again after a death by a signal',
    create: (ports) => new BreaksBySignals(ports),
    caughtBy: /after each of these ends the sandbox runs again/,
    message: /the sandbox can execute again/,
  },
  {
    that: 'reaches files only while nothing runs',
    create: (ports) => new ReachesFilesWhenIdle(ports),
    caughtBy: /they work while a program runs, and do not disturb it/,
    message: /list\(\) does not fail[^]*SANDBOX007: A command runs/,
  },
]);
