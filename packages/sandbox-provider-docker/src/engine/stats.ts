import type Dockerode from 'dockerode';

/** What the engine counts for one container, at one time. Null: it does not. */
export interface EngineStats {
  readonly cpuTimeMs: number | null;
  /** Without what the kernel can take back at once (inactive page cache), as `docker stats` has it. */
  readonly memoryBytes: number | null;
  /** Most at one time; cgroup v1 only. */
  readonly memoryPeakBytes: number | null;
  readonly pids: number | null;
}

/** Engine API, GET /containers/{id}/stats. Of a container that has ended all is absent. */
export function parseStats(stats: Dockerode.ContainerStats): EngineStats {
  const memory = stats.memory_stats as { usage?: number; max_usage?: number; stats?: Record<string, number> };
  const cpu = stats.cpu_stats as { cpu_usage?: { total_usage?: number } };
  const pids = stats.pids_stats as { current?: number } | undefined;
  const cache = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0;
  return {
    cpuTimeMs: memory.usage === undefined ? null : (cpu.cpu_usage?.total_usage ?? 0) / 1e6,
    memoryBytes: memory.usage === undefined ? null : Math.max(0, memory.usage - cache),
    memoryPeakBytes: memory.max_usage ?? null,
    pids: pids?.current ?? null,
  };
}
