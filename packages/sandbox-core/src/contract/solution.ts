import type { SandboxStatus } from './status.js';

/** A solution as the registry keeps it: the unit's id and its `content`, not yet checked. */
export interface StoredSolution {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** One line of a solution's test history. */
export interface TestResultRecord {
  readonly executionId: string;
  /** ISO 8601, UTC, of the end. */
  readonly timestamp: string;
  readonly status: SandboxStatus;
  readonly exitCode: number | null;
  /** Null when it never started. */
  readonly executionTimeMs: number | null;
  readonly provider: string;
  readonly errors: readonly string[];
}

/** The port through which the runner reads solutions and records their tests. */
export interface SolutionRegistry {
  /** Null: no such solution. */
  getSolution(id: string): Promise<StoredSolution | null>;
  /**
   * Adds to the solution's last ten results; durable when it resolves. Called again with the same `executionId` it changes nothing, and
   * for a solution deleted meanwhile it does nothing. What it throws is told again later.
   * @throws SandboxError SANDBOX008 when it refuses this result for good: then it is not told again
   */
  recordTestResult(solutionId: string, result: TestResultRecord): Promise<void>;
}
