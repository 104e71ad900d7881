import { constants } from 'node:fs';
import { lstat, mkdir, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hasErrorCode, sentenceOf } from '@ergon/sandbox-core';
import { Failure } from './failure.js';
import { makeFolder } from './make-folder.js';
import { say } from './output/words.js';

/** A file that a program left in /output. */
export interface LeftFile {
  /** Below /output. */
  readonly path: string;
  readonly mode: number;
  readonly read: () => AsyncIterable<Uint8Array> | Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Writes what a program left in /output below a folder; files of these names there are replaced, and no link below it is followed. Says how many.
 * @throws Failure
 */
export async function keepOutput(files: readonly LeftFile[], target: string): Promise<void> {
  try {
    const root = resolve(target);
    await makeFolder(root);
    for (const { path, mode, read } of files) {
      const segments = path.split('/');
      if (segments.some((segment) => ['', '.', '..'].includes(segment) || segment.includes('\0'))) {
        throw new Failure(`The output has a file named ${JSON.stringify(path)}, which is not below a folder.`);
      }
      await makeFoldersBelow(root, segments.slice(0, -1));
      await writeFile(join(root, path), await read(), mode & 0o777);
    }
    say(`${files.length} ${files.length === 1 ? 'file' : 'files'} of /output written to ${target}.`);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`The output cannot be written to ${target}: ${sentenceOf(error)}.`);
  }
}

/** One by one, because `recursive` would make folders behind a link. */
async function makeFoldersBelow(root: string, names: readonly string[]): Promise<void> {
  let folder = root;
  for (const name of names) {
    folder = join(folder, name);
    try {
      await mkdir(folder);
    } catch (error) {
      if (!hasErrorCode(error, 'EEXIST')) throw error;
      const there = await lstat(folder);
      if (there.isSymbolicLink()) throw isLink(folder);
      if (!there.isDirectory()) throw new Failure(`${folder} is there, and is no folder.`);
    }
  }
}

async function writeFile(path: string, bytes: AsyncIterable<Uint8Array>, mode: number): Promise<void> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  // Without O_NONBLOCK, a FIFO would be waited for until somebody reads from it.
  const flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK;
  const file = await open(path, flags, mode).catch((error: unknown) => {
    if (hasErrorCode(error, 'ELOOP')) throw isLink(path);
    throw hasErrorCode(error, 'ENXIO') ? isSpecial(path) : error;
  });
  try {
    if (!(await file.stat()).isFile()) throw isSpecial(path);
    for await (const piece of bytes) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}

const isLink = (path: string): Failure => new Failure(`${path} is a link, which is not followed.`);
const isSpecial = (path: string): Failure => new Failure(`${path} is there, and is no file that can be replaced.`);
