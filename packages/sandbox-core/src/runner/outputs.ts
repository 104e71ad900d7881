import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { padding } from '../archive/entry.js';
import type { ArchiveEntry } from '../archive/entry.js';
import { encodeEntry, endOfTar, writeTar } from '../archive/write-tar.js';
import { SandboxError, hasErrorCode } from '../contract/error.js';

/** A file that a program left in /output. */
export interface KeptFile {
  /** Below /output, e.g. `plots/a.png`. */
  readonly path: string;
  readonly bytes: number;
  /** Permission bits, e.g. `0o644`. */
  readonly mode: number;
  /** Of its last change, ms since 1970-01-01 UTC. */
  readonly modifiedMs: number;
}

/** What /output held when an execution ended: regular files only. */
export interface KeptOutput {
  /** By path. */
  readonly entries: readonly KeptFile[];
  /**
   * A file's bytes from `offset` (default 0), at most `length` of them (default: all).
   * @throws SandboxError SANDBOX012 where there is none, or no longer
   */
  read(path: string, options?: { readonly offset?: number; readonly length?: number }): AsyncIterable<Uint8Array>;
  /** All of them as a tar archive, with nothing in it that is not in `entries`. @throws SandboxError SANDBOX012 no longer there */
  tar(): AsyncIterable<Uint8Array>;
}

/** An entry with its place in the archive. */
type Placed = KeptFile & { readonly offset: number };

/**
 * The outputs of executions, each as an archive and an index: no name that a program chose becomes a name here. The index comes last and
 * makes the output one; what is not whole has a name of its own.
 */
export class Outputs {
  private constructor(private readonly folder: string) {}

  static async open(folder: string): Promise<Outputs> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return new Outputs(folder);
  }

  /** Removes what is half-written, and what belongs to an execution that is not known to have ended. */
  async sweep(hasEnded: (executionId: string) => boolean): Promise<void> {
    const names = await readdir(this.folder);
    const whole = new Set(names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5)));
    for (const name of names) {
      const id = /^(.*)\.(?:tar|json)$/.exec(name)?.[1];
      if (id === undefined || !whole.has(id) || !hasEnded(id)) await rm(join(this.folder, name), { force: true });
    }
  }

  /**
   * Keeps files under an execution's id, on disk before it resolves. Of two with one path the last is kept.
   * @returns their paths, sorted
   * @throws what `files` throws, or the file system; nothing is kept then
   */
  async keep(executionId: string, files: AsyncIterable<ArchiveEntry>): Promise<string[]> {
    const { archive, index } = this.#paths(executionId);
    const parts = { archive: `${archive}.part`, index: `${index}.part` };
    try {
      const placed = new Map<string, Placed>();
      await writeDurably(parts.archive, writeTar(noting(files, placed)));
      const entries = [...placed.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
      if (entries.length > 0) {
        await writeDurably(parts.index, [Buffer.from(JSON.stringify({ entries }))]);
        await rename(parts.archive, archive);
        await rename(parts.index, index);
        await syncFolder(this.folder);
      }
      return entries.map(({ path }) => path);
    } finally {
      await rm(parts.archive, { force: true });
      await rm(parts.index, { force: true });
    }
  }

  /** Null: none is kept. */
  async find(executionId: string): Promise<KeptOutput | null> {
    const { archive, index } = this.#paths(executionId);
    let text: string;
    try {
      text = await readFile(index, 'utf8');
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return null;
      throw error;
    }
    const { entries } = JSON.parse(text) as { readonly entries: readonly Placed[] }; // written by this class only
    const byPath = new Map(entries.map((entry) => [entry.path, entry]));
    return {
      entries: entries.map(({ path, bytes, mode, modifiedMs }) => ({ path, bytes, mode, modifiedMs })),
      read: (path, options) => readPart(archive, byPath.get(path), path, options),
      tar: () => readFrom(archive, 0),
    };
  }

  #paths(executionId: string): { readonly archive: string; readonly index: string } {
    return { archive: join(this.folder, `${executionId}.tar`), index: join(this.folder, `${executionId}.json`) };
  }
}

/** Of an execution that left nothing. */
export const emptyOutput: KeptOutput = {
  entries: [],
  read: (path) => readPart('', undefined, path),
  tar: async function* () {
    yield await Promise.resolve(endOfTar);
  },
};

/** Notes where each file comes to lie. */
async function* noting(files: AsyncIterable<ArchiveEntry>, placed: Map<string, Placed>): AsyncGenerator<ArchiveEntry> {
  let position = 0;
  for await (const file of files) {
    const { path, bytes, mode, modifiedMs } = file;
    const offset = position + encodeEntry(file).length;
    yield file;
    placed.set(path, { path, bytes, mode, modifiedMs, offset });
    position = offset + bytes + padding(bytes);
  }
}

async function writeDurably(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await writeFile(file, chunks as AsyncIterable<Uint8Array>);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle | null = null;
  try {
    folder = await open(path, 'r');
    await folder.sync();
  } finally {
    await folder?.close();
  }
}

async function* readPart(
  archive: string,
  entry: Placed | undefined,
  path: string,
  { offset = 0, length = Infinity }: { readonly offset?: number; readonly length?: number } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  if (entry === undefined) {
    throw new SandboxError('SANDBOX012', `The output that was kept has no file ${JSON.stringify(path.slice(0, 200))}.`);
  }
  if (!isCount(offset) || (length !== Infinity && !isCount(length))) {
    throw new SandboxError('SANDBOX008', 'offset and length: must be whole numbers that are not negative.');
  }
  const count = Math.min(length, entry.bytes - offset);
  if (count > 0) yield* readFrom(archive, entry.offset + offset, count);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

async function* readFrom(path: string, start: number, count = Infinity): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* createReadStream(path, { start, end: start + count - 1 }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
    throw new SandboxError('SANDBOX012', 'This output is no longer kept.', { cause: error });
  }
}
