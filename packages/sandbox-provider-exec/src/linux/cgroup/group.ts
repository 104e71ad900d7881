import { existsSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describeLimit, hasErrorCode, isSandboxError, SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type { SandboxLimits } from '@ergon/sandbox-core';
import { againIfGone, makeFolder, makeOne, processesIn, removeFolder, removeIfEmpty, subfolders } from './folders.js';
import { numberOf, OWN_PROCESSES, type Counter, type GroupLayout, type Setting } from './layout.js';
import { layoutOf, topFolders, type CgroupPlace } from './place.js';
import { enableControllers } from './unified.js';

/** The group of one launch: made, read and removed. */
export class Cgroup {
  readonly #place: CgroupPlace;
  readonly #layout: GroupLayout;
  #cpuAtStart = 0;
  #highestSample = 0;

  constructor(place: CgroupPlace, instanceId: string, name: string) {
    this.#place = place;
    this.#layout = layoutOf(place, instanceId, name);
  }

  get folders(): readonly string[] {
    return this.#layout.folders;
  }

  /** @throws SandboxError SANDBOX011 */
  create(limits: SandboxLimits): void {
    try {
      this.#make();
    } catch (cause) {
      throw new SandboxError('SANDBOX011', `A control group could not be made: ${sentenceOf(cause)}`, { cause });
    }
    for (const setting of this.#layout.memory(limits.memoryBytes)) put(setting);
    for (const setting of this.#layout.others(limits)) put(setting);
  }

  /**
   * Changes its limits; all of them, or none. To take memory back may take its time.
   * @throws SandboxError SANDBOX008: more memory is in use, and can't be taken back
   */
  async limit(from: SandboxLimits, to: SandboxLimits): Promise<void> {
    if (to.memoryBytes < from.memoryBytes) await this.#lowerMemory(from.memoryBytes, to.memoryBytes);
    else for (const setting of [...this.#layout.memory(to.memoryBytes)].reverse()) await change(setting);
    for (const setting of this.#layout.others(to)) await change(setting);
  }

  async #lowerMemory(from: number, to: number): Promise<void> {
    const { memory, highMemory } = this.#layout;
    try {
      if (highMemory !== null) {
        await change(highMemory(to));
        if (this.memoryBytes > to) throw belowUse(to, this.memoryBytes);
      }
      for (const setting of memory(to)) await change(setting);
    } catch (error) {
      for (const setting of [...memory(from)].reverse()) await change(setting);
      throw isSandboxError(error) && hasErrorCode(error.cause, 'EBUSY') ? belowUse(to, this.memoryBytes) : error;
    } finally {
      if (highMemory !== null) await change(highMemory(null));
    }
  }

  #make(): void {
    if (this.#place.version === 1) {
      for (const folder of this.folders) makeFolder(folder);
      return;
    }
    // The shared folders above go with another server's last group, and controllers only reach where each above passes them on.
    const { parent } = this.#place;
    for (const folder of this.folders) {
      againIfGone(() => {
        enableControllers(parent);
        for (const above of [dirname(dirname(folder)), dirname(folder)]) {
          makeOne(above);
          enableControllers(above);
        }
        makeOne(folder);
      });
    }
  }

  /** From here on time is counted, and the peak of memory where the kernel lets it. */
  startCounting(): void {
    this.#cpuAtStart = read(this.#layout.cpuTimeMs);
    if (this.#layout.resetPeak !== null) put(this.#layout.resetPeak);
  }

  get cpuTimeMs(): number {
    return Math.max(0, read(this.#layout.cpuTimeMs) - this.#cpuAtStart);
  }
  get memoryBytes(): number {
    return read(this.#layout.memoryBytes);
  }
  /** Where the kernel keeps none: the highest that was sampled. */
  get memoryPeakBytes(): number {
    if (this.keepsPeak) return read(this.#layout.memoryPeakBytes);
    this.samplePeak();
    return this.#highestSample;
  }
  samplePeak(): void {
    this.#highestSample = Math.max(this.#highestSample, this.memoryBytes);
  }
  /** v2 has a peak since Linux 5.19. */
  get keepsPeak(): boolean {
    return existsSync(this.#layout.memoryPeakBytes.file);
  }
  get tasks(): number {
    return Math.max(0, read(this.#layout.processes) - OWN_PROCESSES);
  }
  /** The kernel's counters of processes that it killed here at the memory limit; null: none. */
  get memoryEvidence(): string | null {
    return this.#layout.memoryEvidence(readFileSync(this.#layout.memoryEvents, 'utf8'));
  }
  /** Forks that the kernel refused here at the limit of processes. */
  get refusedForks(): number {
    return read(this.#layout.refusedForks);
  }

  processes(): number[] {
    return processesIn(dirname(this.#layout.processes.file));
  }

  /** Kills what is left in it, and removes it. Throws SANDBOX011 when that does not come true. */
  async remove(): Promise<void> {
    for (const folder of this.folders) await removeFolder(folder);
    for (const folder of this.folders) {
      removeIfEmpty(dirname(folder));
      removeIfEmpty(dirname(dirname(folder)));
    }
  }
}

/** Names of the instances that have groups here. */
export function instancesWithGroups(place: CgroupPlace): string[] {
  return [...new Set(topFolders(place).flatMap(subfolders))];
}

/** Removes every group of an instance, with what is left in it. @returns the names of its groups */
export async function removeInstanceGroups(place: CgroupPlace, instanceId: string): Promise<string[]> {
  const names = new Set<string>();
  for (const top of topFolders(place)) {
    const instance = join(top, instanceId);
    for (const name of subfolders(instance)) {
      names.add(name);
      await removeFolder(join(instance, name));
    }
    if (existsSync(instance)) rmdirSync(instance);
    removeIfEmpty(top);
  }
  return [...names];
}

function put({ file, value, optional }: Setting): void {
  if (optional && !existsSync(file)) return;
  try {
    writeFileSync(file, value);
  } catch (cause) {
    throw notPut(file, value, cause);
  }
}

/** Of a group in which a program runs: the kernel may have to take memory back first, and nothing else waits for that. */
async function change({ file, value, optional }: Setting): Promise<void> {
  if (optional && !existsSync(file)) return;
  await writeFile(file, value).catch((cause: unknown) => {
    throw notPut(file, value, cause);
  });
}

function notPut(file: string, value: string, cause: unknown): SandboxError {
  return new SandboxError('SANDBOX011', `The limit ${basename(file)} = ${value} could not be put in place.`, { cause });
}

function belowUse(memoryBytes: number, inUse: number): SandboxError {
  const [limit, use] = [memoryBytes, inUse].map((bytes) => describeLimit('memory', bytes));
  const message = `memory_limit: ${limit} is below what the sandbox has in use now, ${use}.`;
  return new SandboxError('SANDBOX008', message, { field: 'memory_limit' });
}

function read({ file, name, per }: Counter): number {
  const text = readFileSync(file, 'utf8');
  return (name === null ? Number(text) : numberOf(text, name)) / per;
}
