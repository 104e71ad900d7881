import type { LimitHit } from './provider.js';
import type { EndCause, SandboxStatus } from './status.js';
import type { ResourceUsage } from './usage.js';

/** A sample of a run's resources. */
export interface UsageSample extends ResourceUsage {
  /** ms since the execution's start. */
  readonly at: number;
}

export interface SandboxMetrics {
  readonly provider: string;
  /** From the program's start to its end, in ms. Null before. */
  readonly wallTimeMs: number | null;
  readonly cpuTimeMs: number | null;
  readonly memoryPeakBytes: number | null;
  /** As of {@link ResourceUsage}. Absent: not measured. */
  readonly networkReceivedBytes?: number | null;
  readonly networkSentBytes?: number | null;
  readonly diskReadBytes?: number | null;
  readonly diskWrittenBytes?: number | null;
  /** From the request to a sandbox that can execute, in ms. Null while it is being prepared. */
  readonly prepareTimeMs: number | null;
  /** At most 120, evenly thinned; the last one at the end. */
  readonly samples: readonly UsageSample[];
}

/** What is known of a sandbox and one of its executions. Only the core makes one. */
export interface SandboxResult {
  readonly sandboxId: string;
  readonly solutionId: string;
  /** Null: nothing was executed. */
  readonly executionId: string | null;
  readonly status: SandboxStatus;
  /** Null: not ended, or nothing executed. */
  readonly cause: EndCause | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly executionTimeMs: number | null;
  /** Decoded as UTF-8, invalid bytes as U+FFFD. Null: nothing was executed, or its log is no longer kept. */
  readonly stdout: string | null;
  readonly stderr: string | null;
  /** Output was discarded at the output limit, or is shortened here; `errors` says which. */
  readonly truncated: boolean;
  readonly metrics: SandboxMetrics;
  readonly limitsHit: readonly LimitHit[];
  /** Sentences. */
  readonly errors: readonly string[];
  /** Paths below /output of the regular files that were kept, sorted. Null: nothing was executed, its end was not seen, or they could not be kept. */
  readonly files: readonly string[] | null;
}
