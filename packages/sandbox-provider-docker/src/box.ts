import type { CommandSpec, PreparedSolution, ResourceUsage, SandboxProcess } from '@ergon/sandbox-core';

/** A sandbox as the provider drives it. */
export interface DockerBox {
  place(solution: PreparedSolution): Promise<void>;
  spawn(run: CommandSpec): Promise<SandboxProcess>;
  assist(run: CommandSpec): Promise<SandboxProcess>;
  measure(): Promise<ResourceUsage>;
  close(): Promise<void>;
}
