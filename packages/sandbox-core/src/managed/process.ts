import type { ExecutionEnd, LimitHit, OutputChunk, TtySize } from '../contract/provider.js';
import type { ReportSink } from '../contract/report.js';
import type { SandboxConfig } from '../contract/config.js';

/** What is known of a sandbox before its solution is: enough to make the environment. */
export type SandboxTemplate = SandboxConfig;

/** A solution whose files lie ready on this host. */
export interface PreparedSolution {
  readonly solutionId: string;
  /** Absolute path of a folder that holds its files, and nothing but regular files and folders. */
  readonly path: string;
  readonly signal?: AbortSignal;
  readonly report?: ReportSink;
}

/** One command for one box. */
export interface CommandSpec {
  readonly command: readonly string[];
  /**
   * What the solution and the request set. The provider adds SANDBOX_ID, SOLUTION_DIR, WORKSPACE_DIR and OUTPUT_DIR, which cannot be set otherwise,
   * and PATH and HOME where they are not set.
   */
  readonly environment: Readonly<Record<string, string>>;
  /** True: `write` and `closeInput` will be called. False: stdin is empty and closed. */
  readonly stdin: boolean;
  readonly tty?: TtySize;
  /** Aborted when the start is no longer wanted. */
  readonly signal: AbortSignal;
  readonly report: ReportSink;
  /** For a provider's own watchdog: records the hit and ends the run with cause `limit`, by SIGKILL. */
  readonly exceeded: (hit: LimitHit) => void;
}

/** A started command. */
export interface SandboxProcess {
  /** Both streams, in the order in which they were read. Ends when no process holds them any more. Read once. */
  readonly output: AsyncIterable<OutputChunk>;
  write(data: Uint8Array): Promise<void>;
  closeInput(): Promise<void>;
  resize?(size: TtySize): Promise<void>;
  /** To the whole tree. Harmless after the end. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Resolves when the tree is gone (or is given up as lost); never rejects. From here on no deadline or stop changes the cause. */
  readonly gone: Promise<void>;
  /** Resolves after `gone`, when all is measured, with causes `exited`, `signalled`, `lost` or `not-started`; never rejects. */
  readonly ended: Promise<ExecutionEnd>;
}
