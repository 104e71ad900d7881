import type { LimitHit, ResourceUsage, SandboxLimits } from '@ergon/sandbox-core';
import type { EngineStats } from '../engine/stats.js';
import type { Counters } from './holder.js';
import type { RunContainer } from './run-container.js';

/** Init, holder and the program's three shells: there as long as the program is. */
const STANDING_PROCESSES = 5;

/** What was counted of a container at one time. */
export interface Count {
  readonly stats: EngineStats | null;
  readonly counters: Counters | null;
}

export const nothingCounted: Count = { stats: null, counters: null };

/** What can't be counted any more is null. */
export async function count(container: RunContainer): Promise<Count> {
  const [stats, counters] = await Promise.all([container.stats().catch(() => null), container.counters()]);
  return { stats, counters };
}

/** What a run used: the difference of two counts. */
export function usageBetween(before: Count, { stats, counters }: Count, diskBytes: number | null): ResourceUsage {
  const cpu = counters?.cpuTimeMs ?? stats?.cpuTimeMs ?? null;
  const cpuBefore = counters?.cpuTimeMs != null ? before.counters?.cpuTimeMs : before.stats?.cpuTimeMs;
  return {
    cpuTimeMs: cpu === null ? null : Math.max(0, Math.round(cpu - (cpuBefore ?? 0))),
    memoryBytes: stats?.memoryBytes ?? null,
    memoryPeakBytes: counters?.memoryPeakBytes ?? stats?.memoryPeakBytes ?? null,
    pids: stats?.pids == null ? null : Math.max(0, stats.pids - STANDING_PROCESSES),
    diskBytes,
  };
}

/** The limits that the kernel says were met. */
export function limitsMet(before: Count, after: Count, limits: SandboxLimits): LimitHit[] {
  const more = (key: 'oomKills' | 'pidsRefused'): number =>
    (after.counters?.[key] ?? 0) - (before.counters?.[key] ?? 0);
  const hits: LimitHit[] = [];
  if (more('oomKills') > 0) {
    const evidence = `oom_kill ${more('oomKills')} in ${after.counters?.oomSource ?? ''}`;
    hits.push({ limit: 'memory', value: limits.memoryBytes, evidence });
  }
  if (more('pidsRefused') > 0) {
    hits.push({ limit: 'pids', value: limits.pids, evidence: `max ${more('pidsRefused')} in pids.events` });
  }
  return hits;
}
