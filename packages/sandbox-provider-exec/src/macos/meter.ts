import { SandboxError } from '@ergon/sandbox-core';
import type { LimitHit, ResourceUsage, SandboxLimits } from '@ergon/sandbox-core';
import { runCommand } from '../posix/command.js';
import type { Watched } from '../posix/watchdog.js';
import type { Family } from './family.js';
import { parseFootprints, parsePs, type ProcessRow } from './ps.js';
import type { MacTools } from './tools.js';

/** All processes of the machine. */
export async function processTable({ ps: [file, ...args] }: MacTools): Promise<ProcessRow[]> {
  const { code, stdout, stderr } = await runCommand(file, args);
  if (code !== 0) throw new SandboxError('SANDBOX011', `The processes could not be listed: ${stderr.trim()}`);
  return parsePs(stdout);
}

/** What each process owes the machine. A process that ended meanwhile is missing; so are all where the tool is. */
async function footprints(
  { footprint: [file, ...args] }: MacTools,
  pids: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  return parseFootprints((await runCommand(file, [...args, ...pids.map(String)])).stdout);
}

/** What is resident misses what was compressed, and what is owed misses what is shared: of each process, the more counts. */
export function memoryOf(rows: readonly ProcessRow[], owed: ReadonlyMap<number, number>): number {
  return rows.reduce((sum, { pid, residentBytes }) => sum + Math.max(residentBytes, owed.get(pid) ?? 0), 0);
}

/** Counts the processes of one program, and what they use, by looking. */
export class FamilyMeter {
  #memoryBytes = 0;
  #memoryPeakBytes: number | null = null;
  #processes = 0;
  #full = false;
  #rows: readonly ProcessRow[] = [];
  #owed: ReadonlyMap<number, number> = new Map();

  constructor(
    private readonly tools: MacTools,
    private readonly family: Family,
    private readonly limits: SandboxLimits,
  ) {}

  /** Its living processes. */
  async find(): Promise<ProcessRow[]> {
    return this.family.find(await processTable(this.tools));
  }

  /** For a watchdog: the processes, and what of their memory only a slower tool sees. */
  get watched(): readonly Watched[] {
    return [{ look: () => this.#count() }, { look: () => this.#weigh() }];
  }

  async #count(): Promise<LimitHit | null> {
    this.#rows = await this.find();
    this.#processes = this.#rows.length;
    return this.#tooMany() ?? this.#tooLarge();
  }

  async #weigh(): Promise<LimitHit | null> {
    const pids = this.#rows.map(({ pid }) => pid);
    if (pids.length > 0) this.#owed = await footprints(this.tools, pids);
    return this.#tooLarge();
  }

  /** RLIMIT_NPROC refuses more than allowed. It is too wide where other processes of the user have ended since. */
  #tooMany(): LimitHit | null {
    const { pids: value } = this.limits;
    if (this.#processes >= value) this.#full = true;
    if (this.#processes <= value) return null;
    return { limit: 'pids', value, evidence: `${this.#processes} processes were seen` };
  }

  /** Limits that were met without ending the run. Nobody counts refused forks: that as many as allowed were seen is what can be said. */
  hits(): LimitHit[] {
    const { pids: value } = this.limits;
    return this.#full ? [{ limit: 'pids', value, evidence: `${value} processes were seen` }] : [];
  }

  #tooLarge(): LimitHit | null {
    this.#memoryBytes = memoryOf(this.#rows, this.#owed);
    this.#memoryPeakBytes = Math.max(this.#memoryPeakBytes ?? 0, this.#memoryBytes);
    const { memoryBytes: value } = this.limits;
    if (this.#memoryBytes <= value) return null;
    return { limit: 'memory', value, evidence: `${this.#memoryBytes} bytes in use, summed over its processes` };
  }

  /** All have ended. */
  finish(): void {
    this.#memoryBytes = 0;
    this.#processes = 0;
    this.#rows = [];
  }

  usage(): Omit<ResourceUsage, 'diskBytes'> {
    return {
      cpuTimeMs: this.family.cpuTimeMs,
      memoryBytes: this.#memoryBytes,
      memoryPeakBytes: this.#memoryPeakBytes,
      pids: this.#processes,
    };
  }
}
