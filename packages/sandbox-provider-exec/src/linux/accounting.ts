import type { LimitHit, ResourceUsage, SandboxLimits } from '@ergon/sandbox-core';
import type { Cgroup } from './cgroup/group.js';
import type { TreeMeter } from './watch/tree.js';

/** How the processes of one launch are counted and found. */
export interface Accounting {
  /** Counts from now on. */
  start(): void;
  usage(): Omit<ResourceUsage, 'diskBytes'>;
  /** Limits that were met without ending the run. */
  hits(): LimitHit[];
  /** Host pids of the program's processes. */
  processes(): number[];
  /** All processes have ended. `cpuTimeMs`: what those used that their parents waited for, as the init saw it. */
  finish(cpuTimeMs: number | null): void;
}

/** Of a group, whose limits may be changed. */
export interface CgroupAccounting extends Accounting {
  /** What was met until now was met under the limits that go; from now on it is these. */
  limited(limits: SandboxLimits): void;
}

export function cgroupAccounting(group: Cgroup, first: SandboxLimits, own: readonly number[]): CgroupAccounting {
  let limits = first;
  /** Met under earlier limits. */
  let kept: readonly LimitHit[] = [];
  const hits = (): LimitHit[] => {
    const { memoryEvidence, refusedForks } = group;
    const met: LimitHit[] = [...kept];
    const meet = (hit: LimitHit): void => {
      // The evidence has a count: one that is the same is of the same event.
      if (!kept.some(({ limit, evidence }) => limit === hit.limit && evidence === hit.evidence)) met.push(hit);
    };
    if (memoryEvidence !== null) meet({ limit: 'memory', value: limits.memoryBytes, evidence: memoryEvidence });
    if (refusedForks > 0) meet({ limit: 'pids', value: limits.pids, evidence: `max ${refusedForks} in pids.events` });
    return met;
  };
  return {
    limited: (to) => {
      kept = hits();
      limits = to;
    },
    start: () => group.startCounting(),
    usage: () => ({
      cpuTimeMs: group.cpuTimeMs,
      memoryBytes: group.memoryBytes,
      memoryPeakBytes: group.memoryPeakBytes,
      pids: group.tasks,
    }),
    hits,
    processes: () => group.processes().filter((pid) => !own.includes(pid)),
    finish: () => undefined, // the kernel counted everything
  };
}

export function treeAccounting(tree: TreeMeter): Accounting {
  return {
    start: () => tree.start(),
    usage: () => ({
      cpuTimeMs: tree.cpuTimeMs,
      memoryBytes: tree.memoryBytes,
      memoryPeakBytes: tree.memoryPeakBytes,
      pids: tree.tasks,
    }),
    hits: () => tree.hits(),
    processes: () => tree.processes().map(({ pid }) => pid),
    finish: (cpuTimeMs) => tree.finish(cpuTimeMs),
  };
}
