/** A program that runs beside a sandbox for as long as it lives, in a container of its own, e.g. a database. Exact, after parsing and merging. */
export interface ServiceConfig {
  readonly image: string;
  /** In place of the image's own command; its entry point stays. */
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly healthcheck: ServiceHealthcheck;
  /** Folders that are empty, writable and in memory: absolute, normal paths. */
  readonly tmpfs: readonly string[];
  readonly limits: ServiceLimits;
}

/** When a service is up. What is absent is the image's own, else Docker's default. */
export interface ServiceHealthcheck {
  /** argv of a command that exits with 0 once it is up. Null: none, not even the image's own. */
  readonly test?: readonly string[] | null;
  /** Between two checks. */
  readonly intervalMs?: number;
  /** A check that takes longer has failed. */
  readonly timeoutMs?: number;
  /** It is given up when `startPeriodMs` and so many times `intervalMs` have passed. */
  readonly retries?: number;
  readonly startPeriodMs?: number;
}

/** Of one service. */
export interface ServiceLimits {
  /** Of all its processes together, its folders in memory included, in bytes. */
  readonly memoryBytes: number;
  readonly cpus: number;
  /** Processes and threads at one time. */
  readonly pids: number;
}
