import type { CommandSpec, ExecutionEnd, SandboxProcess } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { tells, type Box } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';

const isLost = ({ cause }: ExecutionEnd): boolean => cause === 'lost';

/** Waits, long, for an exit code that nobody will tell. */
class WaitsForAnExitCode extends SandboxExecProvider {
  protected override async spawn(box: Box, run: CommandSpec): Promise<SandboxProcess> {
    const process = await super.spawn(box, run);
    const waits = (end: ExecutionEnd): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, isLost(end) ? 26_000 : 0));
    return { ...process, gone: process.ended.then(waits) };
  }
}

/** Takes what was lost for cleaned up. */
class TakesLostForCleaned extends SandboxExecProvider {
  readonly #lost = new Set<string>();

  override async getResult(sandboxId: string): Promise<ExecutionEnd> {
    const end = await super.getResult(sandboxId);
    if (isLost(end)) this.#lost.add(sandboxId);
    return end;
  }
  override async cleanup(sandboxId: string): Promise<boolean> {
    return this.#lost.has(sandboxId) ? false : super.cleanup(sandboxId);
  }
}

const running = /an environment that vanishes while a command runs/;

provesThatTheSuiteCatches([
  {
    that: 'takes a program whose environment vanished for one that has ended well',
    create: tells((end) => (isLost(end) ? { ...end, cause: 'exited', exitCode: 0, reason: null } : end)),
    caughtBy: running,
    message: /When the environment dies underneath, the end is `lost`/,
  },
  {
    that: 'tells 137 when the environment vanished',
    create: tells((end) => (isLost(end) ? { ...end, cause: 'signalled', exitCode: 137, signal: 'SIGKILL' } : end)),
    caughtBy: running,
    message: /never make an exit code of the second/,
  },
  {
    that: 'does not say why a run was lost',
    create: tells((end) => (isLost(end) ? { ...end, reason: '' } : end)),
    caughtBy: running,
    message: /a reason that is a sentence/,
  },
  {
    that: 'waits half a minute when the environment vanished',
    create: (ports) => new WaitsForAnExitCode(ports),
    caughtBy: running,
    message: /execute\(\) whose environment vanished settles/,
  },
  {
    that: 'does not remove the rest of what vanished',
    create: (ports) => new TakesLostForCleaned(ports),
    caughtBy: running,
    message: /cleanup\(\) of a sandbox that vanished is true/,
  },
]);
