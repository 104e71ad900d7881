import { unmeasuredUsage } from '@ergon/sandbox-core';
import type { CommandSpec, ExecutionEnd, OutputChunk, SandboxProcess } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import type { Box } from './broken.js';

/** Tells an end when the main process has ended, or was sent a signal; what else runs goes on until the sandbox is removed. */
export class LeavesTrees extends SandboxExecProvider {
  readonly #trees = new Map<Box, SandboxProcess[]>();

  protected override async spawn(box: Box, run: CommandSpec): Promise<SandboxProcess> {
    const stays = ['/bin/sh', '-c', '"$@"; printf "\\0%s\\0" "$?"; exec sleep 1000', 'sh'];
    const tree = await super.spawn(box, { ...run, command: [...stays, ...run.command] });
    this.#trees.set(box, [...(this.#trees.get(box) ?? []), tree]);
    return untilMainEnds(tree);
  }

  protected override async close(box: Box): Promise<void> {
    const closing = super.close(box);
    for (const tree of this.#trees.get(box) ?? []) await tree.kill('SIGKILL');
    await closing;
  }
}

function untilMainEnds(tree: SandboxProcess): SandboxProcess {
  let tell: (end: ExecutionEnd) => void = () => undefined;
  const ended = new Promise<ExecutionEnd>((resolve) => (tell = resolve));
  const end = { exitCode: null, signal: null, limitsHit: [], usage: unmeasuredUsage, reason: null };
  return {
    ...tree,
    output: untilCode(tree.output, ended, (exitCode) => tell({ ...end, cause: 'exited', exitCode })),
    kill: async (signal) => tell({ ...end, cause: 'signalled', signal }),
    gone: ended.then(() => undefined),
    ended,
  };
}

async function* untilCode(
  output: AsyncIterable<OutputChunk>,
  ended: Promise<ExecutionEnd>,
  tell: (exitCode: number) => void,
): AsyncGenerator<OutputChunk, void, undefined> {
  const iterator = output[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([iterator.next(), ended]);
    if ('cause' in next || next.done === true) return;
    const data = Buffer.from(next.value.data);
    const [, code] = /\0(\d+)\0$/.exec(data.toString('latin1')) ?? [];
    const own = code === undefined ? data : data.subarray(0, -code.length - 2);
    if (own.length > 0) yield { ...next.value, data: own };
    if (code === undefined) continue;
    tell(Number(code));
    return;
  }
}
