import { setTimeout as delay } from 'node:timers/promises';
import type { LimitHit, ResourceUsage, SandboxLimits } from '@ergon/sandbox-core';
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

/** The holder answers within this unless the program's processes take all the CPU time that there is. */
const STARVED_MS = 100;

/**
 * The count when a program has ended or is to be: what it met must not be lost because processes that it left behind leave the holder no
 * time. Then they get the machine's for the moment that is left to them.
 * @param cpus of the machine
 */
export async function lastCount(container: RunContainer, before: Counters, cpus: number): Promise<Counters> {
  const counted = count(container);
  const atOnce = await Promise.race([counted, delay(STARVED_MS, null)]);
  if (atOnce !== null) return atOnce;
  await container.engine.setCpus(container.id, cpus).catch(() => undefined); // it has ended, or the engine is gone
  const late = await counted;
  return late.oomKills === null && before.oomKills !== null ? count(container) : late;
}

/**
 * What a run used: the difference of two counts.
 * @param own processes of ours among those of the container
 */
export function usageBetween(before: Counters, after: Counters, own: number, diskBytes: number | null): ResourceUsage {
  return {
    cpuTimeMs: after.cpuTimeMs === null ? null : Math.max(0, Math.round(after.cpuTimeMs - (before.cpuTimeMs ?? 0))),
    memoryBytes: after.memoryBytes,
    memoryPeakBytes: after.memoryPeakBytes,
    pids: after.pids === null ? null : Math.max(0, after.pids - own),
    diskBytes,
  };
}

/**
 * The limits that the kernel says were met.
 * @param oomKilled the engine's word, for what happened after the last count
 */
export function limitsMet(before: Counters, after: Counters, limits: SandboxLimits, oomKilled: boolean): LimitHit[] {
  const killed = (after.oomKills ?? 0) - (before.oomKills ?? 0);
  const refused = (after.pidsRefused ?? 0) - (before.pidsRefused ?? 0);
  const hits: LimitHit[] = [];
  if (killed > 0) {
    hits.push({ limit: 'memory', value: limits.memoryBytes, evidence: `oom_kill ${killed} in ${after.oomSource}` });
  } else if (oomKilled) {
    hits.push({ limit: 'memory', value: limits.memoryBytes, evidence: 'State.OOMKilled of the container' });
  }
  if (refused > 0) {
    hits.push({ limit: 'pids', value: limits.pids, evidence: `max ${refused} in pids.events` });
  }
  return hits;
}
