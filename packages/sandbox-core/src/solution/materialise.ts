import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists } from '../exists.js';

/** A solution's files on disk, once per content: `<folder>/<sha256 of paths and texts>/`. Nothing but us writes there. */
export class SolutionFiles {
  readonly #folder: string;
  readonly #running = new Map<string, Promise<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns the absolute path of a folder that holds just these files. */
  materialise(files: ReadonlyMap<string, string>): Promise<string> {
    const hash = contentHash(files);
    let work = this.#running.get(hash);
    if (work === undefined) {
      work = this.#materialise(hash, files).finally(() => this.#running.delete(hash));
      this.#running.set(hash, work);
    }
    return work;
  }

  async #materialise(hash: string, files: ReadonlyMap<string, string>): Promise<string> {
    const target = join(this.#folder, hash);
    if (await exists(target)) {
      const now = new Date();
      await utimes(target, now, now);
      return target;
    }
    // Written aside and renamed: a folder with a hash for its name is always whole.
    const aside = join(this.#folder, `.${hash}-${randomUUID()}`);
    try {
      await mkdir(aside, { recursive: true });
      for (const [path, text] of files) {
        const file = join(aside, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, text, { flag: 'wx' });
        // Sandboxed programs read these under another uid, whatever the server's umask.
        await chmod(file, text.startsWith('#!') ? 0o755 : 0o644);
      }
      for (const folder of foldersOf(files.keys())) await chmod(join(aside, folder), 0o755);
      await rename(aside, target);
    } catch (error) {
      await rm(aside, { recursive: true, force: true });
      if (!(await exists(target))) throw error;
    }
    return target;
  }

  /** Removes what was begun and not finished, and what nobody has used for `unusedMs`. To be called when no sandbox is there. */
  async sweep(unusedMs: number): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o755 });
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      const { mtimeMs } = await stat(path);
      if (name.startsWith('.') || Date.now() - mtimeMs > unusedMs) await rm(path, { recursive: true, force: true });
    }
  }
}

function contentHash(files: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const [path, text] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${String(Buffer.byteLength(path))}:${path}${String(Buffer.byteLength(text))}:${text}`);
  }
  return hash.digest('hex');
}

/** The folders of these paths, with the one that holds them all ('.'). */
function foldersOf(paths: Iterable<string>): Set<string> {
  const folders = new Set(['.']);
  for (const path of paths) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder);
  }
  return folders;
}
