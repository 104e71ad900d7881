import { readTar, sentenceOf, writeTar } from '@ergon/sandbox-core';
import type { ArchiveEntry } from '@ergon/sandbox-core';
import type { Request } from 'express';
import { chunksOf } from '../http/body-time.js';
import { HttpError } from '../http/problem.js';
import type { Spools } from './spool.js';
import { readZip } from './read-zip.js';

/** Of one archive, up or down: what each costs, in memory and in time, is paid by all who use the server. */
export const maxArchiveEntries = 100_000;
const bounds = { maxEntries: maxArchiveEntries, maxBytes: 8 * 1024 ** 3 };

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

/** A form wraps what it sends, and curl's -d changes it: stored as it comes, it would be no longer what was meant. @throws HttpError 415 */
export function refuseForm(request: Request): void {
  const form = request.is(['multipart/form-data', 'application/x-www-form-urlencoded']);
  if (typeof form !== 'string') return;
  throw new HttpError(
    415,
    'Content-Type not supported',
    `Content-Type: must not be a form's, ${form}: send the bytes themselves as the body, as "curl -T FILE URL" does.`,
  );
}

export interface Upload {
  readonly tar: AsyncIterable<Uint8Array>;
  /** Regular files that were passed on. */
  readonly files: () => number;
}

/** An uploaded archive as a plain tar of regular files and folders. */
export function uploadedArchive(request: Request, kind: 'tar' | 'zip', spools: Spools): Upload {
  let files = 0;
  const count = async function* (entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<ArchiveEntry> {
    for await (const entry of entries) {
      if (entry.type === 'file') files += 1;
      yield entry;
    }
  };
  const entries = kind === 'tar' ? readTar(bodyOf(request), bounds) : unzipped(request, spools);
  return { tar: writeTar(count(entries)), files: () => files };
}

async function* unzipped(request: Request, spools: Spools): AsyncGenerator<ArchiveEntry, void, undefined> {
  await using spooled = await spools.take(bodyOf(request), Number(request.headers['content-length'] ?? 0));
  yield* readZip(spooled.fd, bounds);
}
