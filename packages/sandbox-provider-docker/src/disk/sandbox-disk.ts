import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';
import type { RunContainer } from '../container/run-container.js';
import { nameOf } from '../names.js';
import { Keeper, type DiskUse, type KeeperOptions } from './keeper.js';
import { OpenFiles } from './open-files.js';

export interface SandboxDiskOptions extends Omit<KeeperOptions, 'name' | 'signal'> {
  readonly docker: Dockerode;
  readonly sandboxId: string;
}

/** What looks after one sandbox's folders: its keeper, and beside each container of a command one that sees the files which are removed there and held. */
export class SandboxDisk {
  #keeper: Keeper | null = null;
  #reopening: Promise<Keeper> | null = null;
  #keepers = 0;
  #watchers = 0;

  constructor(private readonly options: SandboxDiskOptions) {}

  /** A keeper that takes files and does not look yet. */
  async open(signal?: AbortSignal): Promise<void> {
    this.#keeper = await this.#openKeeper(signal);
  }

  #openKeeper(signal?: AbortSignal): Promise<Keeper> {
    const { docker, sandboxId, ...options } = this.options;
    // Never the name of an earlier one: an engine keeps it for a moment beyond the end.
    const name = nameOf(sandboxId, `keeper-${++this.#keepers}`);
    return Keeper.open(docker, { ...options, name, ...(signal && { signal }) });
  }

  /** Unpacks an archive at the root. Once, and before `start`. */
  async put(archive: Readable, signal?: AbortSignal): Promise<void> {
    await this.#opened.put('/', archive, signal);
  }

  async start(signal?: AbortSignal): Promise<void> {
    await this.#opened.start(signal);
  }

  get #opened(): Keeper {
    if (this.#keeper === null) throw new Error('A disk is opened first.');
    return this.#keeper;
  }

  get isStarted(): boolean {
    return this.#keeper !== null && this.#keeper.devices.length > 0;
  }

  /** Once it is started. @throws SandboxError SANDBOX001, SANDBOX011 */
  watchRemoved(containerId: string): Promise<OpenFiles> {
    const { docker, sandboxId, labels, image, securityOpt } = this.options;
    const name = nameOf(sandboxId, `watch-${++this.#watchers}`);
    const { devices } = this.#opened;
    return OpenFiles.watch(docker, { name, labels, image, containerId, devices, securityOpt });
  }

  /** The keeper. One that has ended, from outside or with the engine, is made again: the volumes are still there. */
  keeper(): Promise<Keeper> {
    const keeper = this.#keeper;
    if (keeper?.alive === true) return Promise.resolve(keeper);
    this.#reopening ??= (async () => {
      await keeper?.close();
      const opened = await this.#openKeeper();
      this.#keeper = opened;
      await opened.start();
      return opened;
    })().finally(() => (this.#reopening = null));
    return this.#reopening;
  }

  /** Removes the keeper, not the volumes. */
  async close(): Promise<void> {
    await this.#keeper?.close();
  }
}

/** A container of a command, and what sees its removed files. Null: not yet. */
export interface Watched {
  readonly container: Pick<RunContainer, 'alive' | 'ended'>;
  readonly removedFiles: OpenFiles | null;
}

/** How long the end of a container may be heard of after that of its watcher, in ms. */
const END_MS = 2000;

/** What the volumes hold, with and without names, while a program runs. */
export async function useOfAll(
  keeper: Keeper,
  { container, removedFiles }: Watched,
  signal?: AbortSignal,
): Promise<DiskUse> {
  const removed = removedFiles?.bytes(signal).catch(async (error: unknown) => {
    // It ends with the program's container, and then there is nothing to see any more.
    await Promise.race([container.ended, delay(END_MS, undefined, { ref: false })]);
    if (container.alive) throw error;
    return 0;
  });
  const [use, more] = await Promise.all([keeper.use(signal), removed]);
  if (more === undefined) throw new SandboxError('SANDBOX011', 'The disk of the sandbox is not watched.');
  return { ...use, bytes: use.bytes + more };
}
