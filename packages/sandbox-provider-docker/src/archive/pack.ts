import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { hasErrorCode, SandboxError } from '@ergon/sandbox-core';
import { encodeHeader, endOfArchive, padding } from './header.js';

export interface PackOptions {
  readonly uid: number;
  readonly gid: number;
  /**
   * The folder, from the container's root, in which all lies after unpacking at `/`: `workspace`, `layers/python`. It is an entry of its own and so belongs to uid and gid too
   * (an engine passes over an archive's `./` entry: unpacking right in `/workspace` would leave that folder to root).
   */
  readonly prefix: string;
}

const chunkBytes = 256 * 1024;
// Names of one path together, as the kernel takes them (PATH_MAX).
const pathBytes = 4096;

/**
 * A tar archive of a folder of this host: its regular files and folders, with their permissions (the owner's read and write ensured), owned by uid and gid. Read as it is consumed.
 * The stream is destroyed with SandboxError SANDBOX008 at a link, a special file, or a file that changes while it is packed.
 */
export function packFolder(folder: string, options: PackOptions): Readable {
  return Readable.from(packed(folder, options), { objectMode: false, highWaterMark: chunkBytes });
}

async function* packed(folder: string, options: PackOptions): AsyncGenerator<Buffer> {
  // The folder itself is named by the caller, who may mean it by a link; nothing below it may be one.
  const root = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    yield* packedFolder(root, Buffer.from(folder), Buffer.from(options.prefix), options);
  } finally {
    await root.close();
  }
  yield endOfArchive;
}

async function* packedFolder(
  folder: FileHandle,
  path: Buffer,
  name: Buffer,
  owner: PackOptions,
): AsyncGenerator<Buffer> {
  const { mode, mtimeMs } = await folder.stat();
  yield encodeHeader({
    ...owned(owner),
    name,
    type: 'directory',
    mode: (mode & 0o777) | 0o700,
    size: 0,
    mtimeSeconds: mtimeMs / 1000,
  });
  const here = anchored(folder, path);
  const names = await readdir(here, { encoding: 'buffer' });
  for (const child of names.sort((a, b) => a.compare(b))) {
    const childName = join(name, child);
    if (childName.length >= pathBytes) throw refusal(childName, 'has too long a path');
    const handle = await openPlain(join(here, child), childName);
    try {
      if ((await handle.stat()).isDirectory()) yield* packedFolder(handle, join(path, child), childName, owner);
      else yield* packedFile(handle, childName, owner);
    } finally {
      await handle.close();
    }
  }
}

async function* packedFile(file: FileHandle, name: Buffer, owner: PackOptions): AsyncGenerator<Buffer> {
  const before = await file.stat();
  const { size, mode, mtimeMs } = before;
  yield encodeHeader({
    ...owned(owner),
    name,
    type: 'file',
    mode: (mode & 0o777) | 0o600,
    size,
    mtimeSeconds: mtimeMs / 1000,
  });
  for (let left = size; left > 0;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(left, chunkBytes)));
    if (bytesRead === 0) throw refusal(name, 'became shorter while it was packed');
    left -= bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  const after = await file.stat();
  if (after.size !== size || after.mtimeMs !== mtimeMs || after.ctimeMs !== before.ctimeMs) {
    throw refusal(name, 'changed while it was packed');
  }
  const rest = padding(size);
  if (rest.length > 0) yield rest;
}

/** Opens a regular file or folder, following no link, and waiting for nobody (a FIFO would). */
async function openPlain(path: Buffer, name: Buffer): Promise<FileHandle> {
  // Before the opening, since to open a device may do something already; after it, since the name may have changed hands.
  if (!isPlain(await lstat(path))) throw refusal(name, 'is a link or a special file');
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (!hasErrorCode(error, 'ELOOP')) throw error;
    throw refusal(name, 'is a link or a special file', error);
  }
  if (isPlain(await handle.stat())) return handle;
  await handle.close();
  throw refusal(name, 'is a link or a special file');
}

function isPlain(stats: { isFile(): boolean; isDirectory(): boolean }): boolean {
  return stats.isFile() || stats.isDirectory();
}

/** A name for the very folder that is open, whatever its path names by now; elsewhere than on Linux there is none but the path. */
function anchored(folder: FileHandle, path: Buffer): Buffer {
  return process.platform === 'linux' ? Buffer.from(`/proc/self/fd/${folder.fd}`) : path;
}

function join(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), name]);
}

function owned({ uid, gid }: PackOptions): { uid: number; gid: number } {
  return { uid, gid };
}

function refusal(name: Buffer, what: string, cause?: unknown): SandboxError {
  const text = `${JSON.stringify(name.toString())} ${what}; only regular files and folders that hold still are taken into a sandbox.`;
  return new SandboxError('SANDBOX008', text, { cause });
}
