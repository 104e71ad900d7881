import { randomUUID } from 'node:crypto';
import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { readTar, SandboxError, sentenceOf, writeTar } from '@ergon/sandbox-core';
import type { ArchiveEntry } from '@ergon/sandbox-core';
import type { Request } from 'express';
import { chunksOf } from '../http/body-time.js';
import { HttpError } from '../http/problem.js';
import { readZip } from './zip.js';

const bounds = { maxEntries: 100_000, maxBytes: 8 * 1024 ** 3 };
/** A zip archive can only be read once it is there as a whole. */
const maxZipBytes = 1024 ** 3;

/** A request's body, whatever it is, as it comes; a client that left, or is silent, is an error and no end. */
export async function* bodyOf(request: Request): AsyncGenerator<Uint8Array, void, undefined> {
  if (!/^(identity)?$/i.test(request.headers['content-encoding'] ?? '')) {
    throw new HttpError(415, 'Content-Encoding not supported', 'Content-Encoding: the body must not be compressed.');
  }
  try {
    yield* chunksOf(request);
  } catch (error) {
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, 'Body incomplete', `The body ended before its end: ${sentenceOf(error)}.`);
  }
}

export interface Upload {
  readonly tar: AsyncIterable<Uint8Array>;
  /** Regular files that were passed on. */
  readonly files: () => number;
}

/**
 * An uploaded archive as a plain tar of regular files and folders.
 * @param folder for a zip, which is put there as a file without a name
 */
export function uploadedArchive(request: Request, kind: 'tar' | 'zip', folder: string): Upload {
  let files = 0;
  const count = async function* (entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<ArchiveEntry> {
    for await (const entry of entries) {
      if (entry.type === 'file') files += 1;
      yield entry;
    }
  };
  const entries = kind === 'tar' ? readTar(bodyOf(request), bounds) : unzipped(request, folder);
  return { tar: writeTar(count(entries)), files: () => files };
}

async function* unzipped(request: Request, folder: string): AsyncGenerator<ArchiveEntry, void, undefined> {
  const path = join(folder, `upload-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await unlink(path); // gone with this process, whatever happens
    await spool(bodyOf(request), file);
    yield* readZip(file.fd, bounds);
  } finally {
    await file.close();
  }
}

async function spool(body: AsyncIterable<Uint8Array>, file: FileHandle): Promise<void> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxZipBytes) {
      throw new SandboxError('SANDBOX004', `The zip archive is larger than ${maxZipBytes} bytes; a tar may be larger.`);
    }
    await file.writeFile(chunk);
  }
}
