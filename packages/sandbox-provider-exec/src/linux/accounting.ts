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

export function cgroupAccounting(group: Cgroup, limits: SandboxLimits, own: readonly number[]): Accounting {
  return {
    start: () => group.startCounting(),
    usage: () => ({
      cpuTimeMs: group.cpuTimeMs,
      memoryBytes: group.memoryBytes,
      memoryPeakBytes: group.memoryPeakBytes,
      pids: group.tasks,
    }),
    hits: () => {
      const { memoryEvidence, refusedForks } = group;
      const hits: LimitHit[] = [];
      if (memoryEvidence !== null) hits.push({ limit: 'memory', value: limits.memoryBytes, evidence: memoryEvidence });
      if (refusedForks > 0)
        hits.push({ limit: 'pids', value: limits.pids, evidence: `max ${refusedForks} in pids.events` });
      return hits;
    },
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
