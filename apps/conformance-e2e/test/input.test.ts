import type { CommandSpec, ExecuteOptions, OutputChunk, SandboxProcess } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { claims, drives, executes, type Box } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';

/** Its input stays open. Its programs are given three seconds, for which its tests would wait else. */
class LeavesInputOpen extends SandboxExecProvider {
  override execute(
    sandboxId: string,
    command: readonly string[],
    options: ExecuteOptions,
  ): AsyncGenerator<OutputChunk, void, undefined> {
    return super.execute(sandboxId, command, { ...options, timeoutMs: 3000 });
  }
  protected override async spawn(box: Box, run: CommandSpec): Promise<SandboxProcess> {
    const process = await super.spawn(box, { ...run, stdin: true });
    return { ...process, closeInput: async () => undefined };
  }
}

/** Its runs end with their source of input, too, or much later. */
class WaitsForItsSource extends SandboxExecProvider {
  override async *execute(
    sandboxId: string,
    command: readonly string[],
    options: ExecuteOptions,
  ): AsyncGenerator<OutputChunk, void, undefined> {
    yield* super.execute(sandboxId, command, options);
    await new Promise((resolve) => setTimeout(resolve, 10_000));
  }
}

const exactly = /bytes arrive exactly, and then the end/;
const passes = /stdin passes every byte as it is, then ends/;

provesThatTheSuiteCatches([
  {
    that: 'leaves stdin open where none is given',
    create: (ports) => new LeavesInputOpen(ports),
    caughtBy: /where none is given it is empty and closed/,
    message: /never leave an open pipe or the stdin of the server/,
  },
  {
    that: 'never ends the input',
    create: (ports) => new LeavesInputOpen(ports),
    caughtBy: /an input that is empty ends at once/,
    message: /close the input when the source ends/,
  },
  {
    that: 'cuts input off',
    create: drives((process) => ({ write: (data) => process.write(data.subarray(0, 65_536)) })),
    caughtBy: exactly,
    message: passes,
  },
  {
    that: 'decodes input',
    create: drives((process) => ({ write: (data) => process.write(Buffer.from(Buffer.from(data).toString())) })),
    caughtBy: exactly,
    message: passes,
  },
  {
    that: 'takes all input at once',
    create: drives((process) => ({
      write: async (data) => {
        process.write(data).catch(() => undefined);
      },
    })),
    caughtBy: /a program that does not read makes the source wait/,
    message: /Ask the source for the next chunk when the one before was taken/,
  },
  {
    that: 'leaves its source of input without a word',
    create: executes(({ stdin, ...options }) => ({
      ...options,
      ...(stdin && {
        stdin: {
          [Symbol.asyncIterator]: () => {
            const iterator = stdin[Symbol.asyncIterator]();
            return { next: () => iterator.next() };
          },
        },
      }),
    })),
    caughtBy: /a program that closes it, or ends without reading/,
    message: /Call the iterator's return\(\)/,
  },
  {
    that: 'says nothing of input that broke off',
    create: executes(({ report, ...options }) => ({
      ...options,
      report: (each) => {
        if (each.type !== 'notice') report?.(each);
      },
    })),
    caughtBy: /a source that fails ends the input/,
    message: /Report \{ type: "notice", message \} with the error of the source/,
  },
  {
    that: 'waits for its source of input',
    create: (ports) => new WaitsForItsSource(ports),
    caughtBy: /a source that never ends does not hold the end/,
    message: /Do not await the source after the program has ended/,
  },
  {
    that: 'claims terminals and gives none',
    create: executes(({ tty: _, ...options }) => options),
    caughtBy: /all three streams are a terminal/,
    message: /Allocate a pseudo-terminal with that size before the program starts/,
  },
  {
    that: 'claims no terminals, and starts what asks for one',
    create: claims((found) => ({ ...found, tty: false })),
    caughtBy: /where none is claimed, a run that asks for one is not started/,
    message: /What is not supported is refused, never ignored/,
    claimed: false,
  },
]);
