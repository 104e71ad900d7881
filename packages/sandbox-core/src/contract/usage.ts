/** Resources used since an execution's start. Null: not measured. */
export interface ResourceUsage {
  /** User and system time of all processes, in ms. */
  readonly cpuTimeMs: number | null;
  /** Memory in use now, in bytes. */
  readonly memoryBytes: number | null;
  /** Most memory in use at one time, in bytes. */
  readonly memoryPeakBytes: number | null;
  /** Processes and threads now. */
  readonly pids: number | null;
  /** What /workspace and /output hold, in bytes. */
  readonly diskBytes: number | null;
}

export const unmeasuredUsage: ResourceUsage = {
  cpuTimeMs: null,
  memoryBytes: null,
  memoryPeakBytes: null,
  pids: null,
  diskBytes: null,
};
