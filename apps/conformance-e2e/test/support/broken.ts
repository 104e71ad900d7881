import type {
  CommandSpec,
  ExecuteOptions,
  ExecutionEnd,
  ManagedSandboxProvider,
  OutputChunk,
  PreparedSolution,
  ProviderCapabilities,
  ProviderProbe,
  SandboxProcess,
  SandboxTemplate,
} from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import type { Create } from './run-suite.js';

/** A sandbox as the exec provider's hooks have it. */
export type Box = SandboxExecProvider extends ManagedSandboxProvider<infer Made> ? Made : never;

/** It tells its ends otherwise than they were. */
export function tells(alter: (end: ExecutionEnd) => ExecutionEnd): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      override async getResult(sandboxId: string): Promise<ExecutionEnd> {
        return alter(await super.getResult(sandboxId));
      }
    })(ports);
}

/** It executes with other options than it was given. */
export function executes(alter: (options: ExecuteOptions) => ExecuteOptions): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      override execute(
        sandboxId: string,
        command: readonly string[],
        options: ExecuteOptions,
      ): AsyncGenerator<OutputChunk, void, undefined> {
        return super.execute(sandboxId, command, alter(options));
      }
    })(ports);
}

/** It passes the output on in its own way. */
export function outputs(
  alter: (chunks: AsyncIterable<OutputChunk>) => AsyncGenerator<OutputChunk, void, undefined>,
): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      override execute(
        sandboxId: string,
        command: readonly string[],
        options: ExecuteOptions,
      ): AsyncGenerator<OutputChunk, void, undefined> {
        return alter(super.execute(sandboxId, command, options));
      }
    })(ports);
}

/** It makes sandboxes by another configuration than it was given. */
export function opens(alter: (template: SandboxTemplate) => SandboxTemplate): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      protected override open(template: SandboxTemplate): Promise<Box> {
        return super.open(alter(template));
      }
    })(ports);
}

/** It puts other files in. */
export function places(alter: (solution: PreparedSolution) => Promise<PreparedSolution>): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      protected override async place(box: Box, solution: PreparedSolution): Promise<void> {
        return super.place(box, await alter(solution));
      }
    })(ports);
}

/** It starts another command than it was given, or the same in other circumstances. */
export function spawns(alter: (run: CommandSpec) => CommandSpec): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      protected override spawn(box: Box, run: CommandSpec): Promise<SandboxProcess> {
        return super.spawn(box, alter(run));
      }
    })(ports);
}

/** It starts each command from a script of its own. Inside, `"$@"` is the command. */
export function wraps(script: string): Create {
  return spawns((run) => ({ ...run, command: ['/bin/sh', '-c', script, 'sh', ...run.command] }));
}

/** It drives a started command in its own way. */
export function drives(alter: (process: SandboxProcess, run: CommandSpec) => Partial<SandboxProcess>): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      protected override async spawn(box: Box, run: CommandSpec): Promise<SandboxProcess> {
        const process = await super.spawn(box, run);
        return { ...process, ...alter(process, run) };
      }
    })(ports);
}

/** It claims other capabilities than it has. */
export function claims(alter: (capabilities: ProviderCapabilities) => ProviderCapabilities): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      override async probe(): Promise<ProviderProbe> {
        const probe = await super.probe();
        return probe.available ? { available: true, capabilities: alter(probe.capabilities) } : probe;
      }
    })(ports);
}
