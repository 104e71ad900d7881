import { join } from 'node:path';
import type { SandboxLimits } from '@ergon/sandbox-core';
import type { Controller } from './hierarchies.js';

/** A file of a group and what is written to it. */
export interface Setting {
  readonly file: string;
  readonly value: string;
  /** Kernels without accounting of swap have no such file. */
  readonly optional: boolean;
}

/** Where the kernel counts: the whole file, or the line that begins with a name. */
export interface Counter {
  readonly file: string;
  readonly name: string | null;
  /** What the kernel counts for each of ours. */
  readonly per: number;
}

/** The files of one group: which limits go where, and what is read. */
export interface GroupLayout {
  /** Each once. */
  readonly folders: readonly string[];
  /** Of memory, in bytes; in the order in which a lower limit has to be written. A higher one goes the other way round. */
  readonly memory: (bytes: number) => readonly Setting[];
  /** All others, in the order in which they have to be written. */
  readonly others: (limits: SandboxLimits) => readonly Setting[];
  /**
   * Where a lower limit of memory ends what does not fit (v2): a bound at which the kernel only takes back what it can, to be set before. Null: none. Where
   * there is no such bound (v1), the kernel refuses the lower limit.
   */
  readonly highMemory: ((bytes: number | null) => Setting) | null;
  readonly cpuTimeMs: Counter;
  readonly memoryBytes: Counter;
  readonly memoryPeakBytes: Counter;
  /** Written at the start of a program, so that the peak is its own. Null: the kernel can't be told to. */
  readonly resetPeak: Setting | null;
  readonly processes: Counter;
  readonly refusedForks: Counter;
  readonly memoryEvents: string;
  /** What the text of `memoryEvents` proves: null, if no process was killed at this group's own limit. */
  readonly memoryEvidence: (text: string) => string | null;
}

const CPU_PERIOD_US = 100_000;
/** bubblewrap outside and the init inside are in the group, but not the program's. */
export const OWN_PROCESSES = 2;

const pageAtLeast = (bytes: number): string => String(Math.max(4096, Math.floor(bytes)));
const quotaUs = (cpus: number): number => Math.max(1000, Math.round(cpus * CPU_PERIOD_US));

/** cgroup v1: a folder for each controller (Documentation/admin-guide/cgroup-v1 of the kernel). */
export function layoutV1(folder: Readonly<Record<Controller, string>>): GroupLayout {
  const { memory, pids, cpu, cpuacct } = folder;
  const write = (file: string, value: string | number, optional = false): Setting => ({
    file,
    value: String(value),
    optional,
  });
  return {
    folders: [...new Set([memory, pids, cpu, cpuacct])],
    memory: (bytes) => [
      write(join(memory, 'memory.limit_in_bytes'), pageAtLeast(bytes)),
      write(join(memory, 'memory.memsw.limit_in_bytes'), pageAtLeast(bytes), true),
    ],
    highMemory: null,
    others: (limits) => [
      write(join(memory, 'memory.swappiness'), 0),
      write(join(pids, 'pids.max'), limits.pids + OWN_PROCESSES),
      write(join(cpu, 'cpu.cfs_period_us'), CPU_PERIOD_US),
      write(join(cpu, 'cpu.cfs_quota_us'), quotaUs(limits.cpus)),
    ],
    cpuTimeMs: { file: join(cpuacct, 'cpuacct.usage'), name: null, per: 1e6 },
    memoryBytes: { file: join(memory, 'memory.usage_in_bytes'), name: null, per: 1 },
    memoryPeakBytes: { file: join(memory, 'memory.max_usage_in_bytes'), name: null, per: 1 },
    resetPeak: write(join(memory, 'memory.max_usage_in_bytes'), 0),
    processes: { file: join(pids, 'pids.current'), name: null, per: 1 },
    refusedForks: { file: join(pids, 'pids.events'), name: 'max', per: 1 },
    memoryEvents: join(memory, 'memory.oom_control'),
    memoryEvidence: (text) => {
      const kills = numberOf(text, 'oom_kill');
      return kills > 0 ? `oom_kill ${kills} in memory.oom_control` : null;
    },
  };
}

/** cgroup v2: one folder (Documentation/admin-guide/cgroup-v2.rst of the kernel). */
export function layoutV2(folder: string): GroupLayout {
  const at = (file: string): string => join(folder, file);
  const write = (file: string, value: string | number, optional = false): Setting => ({
    file: at(file),
    value: String(value),
    optional,
  });
  return {
    folders: [folder],
    // Without memory.oom.group, as on v1: a program whose child met the limit goes on, and its end is its own.
    memory: (bytes) => [write('memory.max', pageAtLeast(bytes))],
    highMemory: (bytes) => write('memory.high', bytes === null ? 'max' : pageAtLeast(bytes)),
    others: (limits) => [
      write('memory.swap.max', 0, true),
      write('pids.max', limits.pids + OWN_PROCESSES),
      write('cpu.max', `${quotaUs(limits.cpus)} ${CPU_PERIOD_US}`),
    ],
    cpuTimeMs: { file: at('cpu.stat'), name: 'usage_usec', per: 1e3 },
    memoryBytes: { file: at('memory.current'), name: null, per: 1 },
    memoryPeakBytes: { file: at('memory.peak'), name: null, per: 1 },
    resetPeak: null,
    processes: { file: at('pids.current'), name: null, per: 1 },
    refusedForks: { file: at('pids.events'), name: 'max', per: 1 },
    memoryEvents: at('memory.events'),
    memoryEvidence: (text) => {
      // A kill without "oom" here was for another's limit: that of a group above, or of the machine.
      const [met, kills] = [numberOf(text, 'oom'), numberOf(text, 'oom_kill')];
      return met > 0 && kills > 0 ? `oom ${met}, oom_kill ${kills} in memory.events` : null;
    },
  };
}

/** The number on the line of that name; 0 where there is none. */
export function numberOf(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}
