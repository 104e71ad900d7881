import type { LimitHit, ResourceUsage, SandboxLimits } from '@ergon/sandbox-core';
import { OWN_PROCESSES } from './config.js';
import type { Counters } from './holder.js';
import type { RunContainer } from './run-container.js';

/** Before anything ran, or when nothing can be counted any more. */
export const nothingCounted: Counters = {
  oomKills: null,
  oomSource: '',
  pidsRefused: null,
  cpuTimeMs: null,
  memoryBytes: null,
  memoryPeakBytes: null,
  pids: null,
};

/**
 * Asks the holder, which answers in about a millisecond; where it finds no counters (another runtime), the engine, which lets one wait up
 * to a second.
 */
export async function count(container: RunContainer): Promise<Counters> {
  const counters = await container.counters();
  if (counters !== null && counters.cpuTimeMs !== null) return counters;
  const stats = await container.stats().catch(() => null); // it has ended, or the engine is gone: its end tells
  return { ...nothingCounted, ...counters, ...stats };
}

/** What a run used: the difference of two counts. */
export function usageBetween(before: Counters, after: Counters, diskBytes: number | null): ResourceUsage {
  return {
    cpuTimeMs: after.cpuTimeMs === null ? null : Math.max(0, Math.round(after.cpuTimeMs - (before.cpuTimeMs ?? 0))),
    memoryBytes: after.memoryBytes,
    memoryPeakBytes: after.memoryPeakBytes,
    pids: after.pids === null ? null : Math.max(0, after.pids - OWN_PROCESSES),
    diskBytes,
  };
}

/** The limits that the kernel says were met. */
export function limitsMet(before: Counters, after: Counters, limits: SandboxLimits): LimitHit[] {
  const killed = (after.oomKills ?? 0) - (before.oomKills ?? 0);
  const refused = (after.pidsRefused ?? 0) - (before.pidsRefused ?? 0);
  const hits: LimitHit[] = [];
  if (killed > 0) {
    hits.push({ limit: 'memory', value: limits.memoryBytes, evidence: `oom_kill ${killed} in ${after.oomSource}` });
  }
  if (refused > 0) {
    hits.push({ limit: 'pids', value: limits.pids, evidence: `max ${refused} in pids.events` });
  }
  return hits;
}
