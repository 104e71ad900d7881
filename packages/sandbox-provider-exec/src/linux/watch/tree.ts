import { statfs } from 'node:fs/promises';
import type { LimitHit, SandboxLimits } from '@ergon/sandbox-core';
import { HOME } from '../bubblewrap/arguments.js';
import { processTree, readProc, readStat, TICK_MS } from '../processes.js';

/** What a sandbox's processes use, where no cgroup counts it: sums over /proc. Seen only when looked at. */
export class TreeMeter {
  cpuTimeMs = 0;
  memoryBytes = 0;
  memoryPeakBytes = 0;
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
    const ticks = this.#sum();
    this.cpuTimeMs = Math.max(this.cpuTimeMs, (ticks - this.#ticksAtStart) * TICK_MS);
    this.memoryBytes += await this.#temporaryBytes();
    this.memoryPeakBytes = Math.max(this.memoryPeakBytes, this.memoryBytes);
    if (this.tasks >= this.limits.pids) this.#full = true;
    const { memoryBytes: value } = this.limits;
    if (this.memoryBytes <= value) return null;
    return { limit: 'memory', value, evidence: `${this.memoryBytes} bytes in use, summed over its processes` };
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

  /** The init's own time holds that of all its children that have ended. */
  #sum(): number {
    const [init, ...program] = processTree(this.initPid);
    let { ticks } = init ?? { ticks: this.#ticksAtStart };
    let memory = 0;
    let tasks = 0;
    for (const process of program) {
      ticks += process.ticks;
      tasks += process.threads;
      memory += proportionalBytes(process.pid);
    }
    this.memoryBytes = memory;
    this.tasks = tasks;
    return ticks;
  }

  /** The sandbox's tmpfs folders are memory too; an inode takes about a kilobyte. */
  async #temporaryBytes(): Promise<number> {
    let sum = 0;
    for (const folder of ['/tmp', '/dev/shm', HOME]) {
      try {
        const { bsize, blocks, bfree, files, ffree } = await statfs(`/proc/${this.initPid}/root${folder}`);
        sum += (blocks - bfree) * bsize + (files - ffree) * 1024;
      } catch (error) {
        if (!['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error; // it has ended
      }
    }
    return sum;
  }
}

/** Memory of a process with its share of what it shares; its resident pages where that is not told. */
function proportionalBytes(pid: number): number {
  const pss = /^Pss:\s+(\d+) kB/m.exec(readProc(`${pid}/smaps_rollup`) ?? '')?.[1];
  if (pss !== undefined) return Number(pss) * 1024;
  return Number((readProc(`${pid}/statm`) ?? '0 0').split(' ')[1]) * 4096;
}
