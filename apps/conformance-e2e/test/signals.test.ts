import type { CommandSpec, ExecuteOptions, OutputChunk, SandboxConfig, SandboxProcess } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import type { Box } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';
import { kill, processes, read } from './support/system.js';

type Output = AsyncGenerator<OutputChunk, void, undefined>;

/** Stops a run by older signals, too. */
abstract class ListensToOldSignals extends SandboxExecProvider {
  protected readonly old: AbortSignal[] = [];

  override async *execute(sandboxId: string, command: readonly string[], options: ExecuteOptions): Output {
    const { signal } = options;
    const all = [...this.old, ...(signal ? [signal] : [])];
    yield* super.execute(sandboxId, command, { ...options, signal: AbortSignal.any(all) });
  }
}

class ListensToPreparations extends ListensToOldSignals {
  override async prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    if (config.signal) this.old.push(config.signal);
    return super.prepare(solutionId, path, config);
  }
}

class ListensToExecutions extends ListensToOldSignals {
  override async *execute(sandboxId: string, command: readonly string[], options: ExecuteOptions): Output {
    yield* super.execute(sandboxId, command, options);
    if (options.signal) this.old.push(options.signal);
  }
}

/** Sends SIGTERM to the main process alone, and SIGKILL to all. */
class AsksTheMainProcess extends SandboxExecProvider {
  protected override async spawn(box: Box, run: CommandSpec): Promise<SandboxProcess> {
    const [, , script] = run.command; // sh -c SCRIPT
    const process = await super.spawn(box, run);
    return {
      ...process,
      kill: async (signal) => {
        if (signal === 'SIGKILL') return process.kill(signal);
        // The main process is older than those that it forked, and so has the smallest pid of all with its command line.
        const [main] = processes().filter((pid) => read(`/proc/${pid}/cmdline`).split('\0')[2] === script);
        if (main !== undefined) kill(main, signal);
      },
    };
  }
}

provesThatTheSuiteCatches([
  {
    that: 'ends a run by the signal of the preparation',
    create: (ports) => new ListensToPreparations(ports),
    caughtBy: /the signal of a preparation ends nothing when that is over/,
    message: /Remove the listener when prepare\(\) has resolved/,
  },
  {
    that: 'ends a run by the signal of an earlier one',
    create: (ports) => new ListensToExecutions(ports),
    caughtBy: /the signal of an execution ends nothing when that is over/,
    message: /A signal ends the call that it was given to/,
  },
  {
    that: 'sends SIGTERM to the main process alone, at a deadline',
    create: (ports) => new AsksTheMainProcess(ports),
    caughtBy: /SIGTERM reaches the whole tree at the deadline/,
    message: /not to the main process or its group/,
  },
  {
    that: 'sends SIGTERM to the main process alone, at a stop',
    create: (ports) => new AsksTheMainProcess(ports),
    caughtBy: /SIGTERM reaches the whole tree at a stop/,
    message: /not to the main process or its group/,
  },
]);
