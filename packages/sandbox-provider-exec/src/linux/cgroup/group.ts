import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import type { SandboxLimits } from '@ergon/sandbox-core';
import { killIfPresent } from '../processes.js';
import { holdsWithin } from '../wait.js';
import type { Controller, Hierarchies } from './hierarchies.js';

const OURS = 'ergon-sandbox';
const CPU_PERIOD_US = 100_000;
/** bubblewrap outside and the init inside are in the group, but not the program's. */
export const OWN_PROCESSES = 2;

/** One group under every hierarchy: `<own group>/ergon-sandbox/<instanceId>/<name>`. */
export class Cgroup {
  readonly #hierarchies: Hierarchies;
  readonly #below: string;
  #cpuAtStart = 0;

  constructor(hierarchies: Hierarchies, instanceId: string, name: string) {
    this.#hierarchies = hierarchies;
    this.#below = join(OURS, instanceId, name);
  }

  #folder(controller: Controller): string {
    return join(this.#hierarchies[controller], this.#below);
  }

  /** Each once: controllers may be mounted together. */
  get folders(): string[] {
    return [...new Set((Object.keys(this.#hierarchies) as Controller[]).map((controller) => this.#folder(controller)))];
  }

  /** The files to which a process writes its pid to be limited, before it becomes anything else. */
  get joinFiles(): string[] {
    return this.folders.map((folder) => join(folder, 'cgroup.procs'));
  }

  create({ memoryBytes, pids, cpus }: SandboxLimits): void {
    for (const folder of this.folders) makeFolder(folder);
    const memory = Math.max(4096, Math.floor(memoryBytes));
    this.#write('memory', 'memory.limit_in_bytes', memory);
    if (existsSync(join(this.#folder('memory'), 'memory.memsw.limit_in_bytes'))) {
      this.#write('memory', 'memory.memsw.limit_in_bytes', memory); // absent where the kernel does not account swap
    }
    this.#write('memory', 'memory.swappiness', 0);
    this.#write('pids', 'pids.max', pids + OWN_PROCESSES);
    this.#write('cpu', 'cpu.cfs_period_us', CPU_PERIOD_US);
    this.#write('cpu', 'cpu.cfs_quota_us', Math.max(1000, Math.round(cpus * CPU_PERIOD_US)));
  }

  /** From here on time is counted, and the peak of memory. */
  startCounting(): void {
    this.#cpuAtStart = this.#number('cpuacct', 'cpuacct.usage');
    this.#write('memory', 'memory.max_usage_in_bytes', 0);
  }

  get cpuTimeMs(): number {
    return Math.max(0, this.#number('cpuacct', 'cpuacct.usage') - this.#cpuAtStart) / 1e6;
  }
  get memoryBytes(): number {
    return this.#number('memory', 'memory.usage_in_bytes');
  }
  get memoryPeakBytes(): number {
    return this.#number('memory', 'memory.max_usage_in_bytes');
  }
  get tasks(): number {
    return Math.max(0, this.#number('pids', 'pids.current') - OWN_PROCESSES);
  }
  /** Processes that the kernel killed here at the memory limit. */
  get memoryKills(): number {
    return this.#counter('memory', 'memory.oom_control', 'oom_kill');
  }
  /** Forks that the kernel refused here at the limit of processes. */
  get refusedForks(): number {
    return this.#counter('pids', 'pids.events', 'max');
  }

  processes(): number[] {
    return processesIn(this.#folder('pids'));
  }

  /** Kills what is left in it, and removes it. Throws SANDBOX011 when that does not come true. */
  async remove(): Promise<void> {
    for (const folder of this.folders) await removeFolder(folder);
    for (const folder of this.folders) {
      removeIfEmpty(dirname(folder));
      removeIfEmpty(dirname(dirname(folder)));
    }
  }

  #write(controller: Controller, file: string, value: number): void {
    const path = join(this.#folder(controller), file);
    try {
      writeFileSync(path, String(value));
    } catch (cause) {
      throw new SandboxError('SANDBOX011', `The limit ${file} = ${value} could not be put in place.`, { cause });
    }
  }
  #number(controller: Controller, file: string): number {
    return Number(readFileSync(join(this.#folder(controller), file), 'utf8'));
  }
  #counter(controller: Controller, file: string, name: string): number {
    const text = readFileSync(join(this.#folder(controller), file), 'utf8');
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  }
}

/** True where groups can be made, which takes root and hierarchies that are not mounted read-only. */
export function canMakeGroups(hierarchies: Hierarchies): boolean {
  const probe = new Cgroup(hierarchies, `probe-${process.pid}`, 'probe');
  try {
    for (const folder of probe.folders) mkdirSync(folder, { recursive: true });
    return true;
  } catch {
    return false; // read-only, or not ours: the caller limits by other means and says so
  } finally {
    for (const folder of probe.folders) {
      for (const each of [folder, dirname(folder), dirname(dirname(folder))]) if (existsSync(each)) removeIfEmpty(each);
    }
  }
}

/** Names of the instances that have groups here. */
export function instancesWithGroups(hierarchies: Hierarchies): string[] {
  const tops = new Set(Object.values(hierarchies).map((folder) => join(folder, OURS)));
  return [...new Set([...tops].flatMap(subfolders))];
}

/** Removes every group of an instance, with what is left in it. @returns the names of its groups */
export async function removeInstanceGroups(hierarchies: Hierarchies, instanceId: string): Promise<string[]> {
  const names = new Set<string>();
  for (const top of new Set(Object.values(hierarchies))) {
    const instance = join(top, OURS, instanceId);
    for (const name of subfolders(instance)) {
      names.add(name);
      await removeFolder(join(instance, name));
    }
    if (existsSync(instance)) rmdirSync(instance);
    removeIfEmpty(dirname(instance));
  }
  return [...names];
}

/** The shared folder above may be removed by another server between our making it and using it. */
function makeFolder(folder: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      mkdirSync(folder, { recursive: true });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === 5) throw error;
    }
  }
}

async function removeFolder(folder: string): Promise<void> {
  const gone = await holdsWithin(10_000, () => {
    for (const pid of processesIn(folder)) killIfPresent(pid, 'SIGKILL');
    return removeIfEmpty(folder);
  });
  if (!gone) throw new SandboxError('SANDBOX011', `The processes in ${folder} could not be ended.`);
}

/** True when it is gone. A group counts as busy for a moment after its last process. */
function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
    throw error;
  }
}

function processesIn(folder: string): number[] {
  try {
    const text = readFileSync(join(folder, 'cgroup.procs'), 'utf8');
    return text.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV') return [];
    throw error;
  }
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
