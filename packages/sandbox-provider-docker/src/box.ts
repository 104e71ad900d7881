import type { CommandSpec, PreparedSolution, ResourceUsage, SandboxLimits, SandboxProcess } from '@ergon/sandbox-core';

/** A sandbox as the provider drives it. */
export interface DockerBox {
  place(solution: PreparedSolution): Promise<void>;
  spawn(run: CommandSpec): Promise<SandboxProcess>;
  assist(run: CommandSpec): Promise<SandboxProcess>;
  measure(): Promise<ResourceUsage>;
  limit(limits: SandboxLimits): Promise<void>;
  close(): Promise<void>;
}
