import type { LimitHit, SandboxLimits } from '@ergon/sandbox-core';
import { processTree, readStat, TICK_MS } from '../processes.js';
import { memoryInUse } from './memory.js';

/** What a sandbox's processes use, where no cgroup counts it: sums over /proc. Seen only when looked at. */
export class TreeMeter {
  cpuTimeMs = 0;
  memoryBytes = 0;
  /** Null while nothing of the program was seen. */
  memoryPeakBytes: number | null = null;
  tasks = 0;
  #ticksAtStart = 0;
  #full = false;

  constructor(
    private readonly initPid: number,
    private readonly limits: SandboxLimits,
  ) {}

  start(): void {
    this.#ticksAtStart = readStat(this.initPid)?.ticks ?? 0;
  }

  /** The memory limit's hit, if it was passed. */
  async look(): Promise<LimitHit | null> {
    const [init, ...program] = processTree(this.initPid);
    // The init's own time holds that of all its children that have ended.
    const ticks = program.reduce((sum, process) => sum + process.ticks, init?.ticks ?? 0);
    this.cpuTimeMs = Math.max(this.cpuTimeMs, (ticks - this.#ticksAtStart) * TICK_MS);
    this.tasks = program.reduce((sum, { threads }) => sum + threads, 0);
    const pids = program.map(({ pid }) => pid);
    const memory = await memoryInUse(this.initPid, pids);
    if (memory !== null) this.memoryPeakBytes = Math.max(this.memoryPeakBytes ?? 0, memory);
    this.memoryBytes = memory ?? 0;
    if (this.tasks >= this.limits.pids) this.#full = true;
    const { memoryBytes: value } = this.limits;
    if (this.memoryBytes <= value) return null;
    return {
      limit: 'memory',
      value,
      evidence: `${this.memoryBytes} bytes in use, summed over its processes and files in memory`,
    };
  }

  finish(cpuTimeMs: number | null): void {
    this.cpuTimeMs = Math.max(this.cpuTimeMs, cpuTimeMs ?? 0);
    this.memoryBytes = 0;
    this.tasks = 0;
  }

  /** There is no counter of refused forks: that as many as allowed were seen is what can be said. */
  hits(): LimitHit[] {
    const { pids: value } = this.limits;
    return this.#full ? [{ limit: 'pids', value, evidence: `${value} processes and threads were seen` }] : [];
  }

  /** Processes of the program, without the init. */
  processes(): { pid: number; start: number }[] {
    return processTree(this.initPid).slice(1);
  }
}
