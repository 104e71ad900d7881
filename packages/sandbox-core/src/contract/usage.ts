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
  /** Bytes that came from a network and went to one, as its interfaces count them; the loopback does not count. Absent: not measured. */
  readonly networkReceivedBytes?: number | null;
  readonly networkSentBytes?: number | null;
  /** Bytes that were read from block devices and written to them: what the page cache answers is not there. Absent: not measured. */
  readonly diskReadBytes?: number | null;
  readonly diskWrittenBytes?: number | null;
}

export const unmeasuredUsage: ResourceUsage = {
  cpuTimeMs: null,
  memoryBytes: null,
  memoryPeakBytes: null,
  pids: null,
  diskBytes: null,
};
