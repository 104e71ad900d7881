import type { ArchiveEntry } from '@ergon/sandbox-core';
import { writeTar } from '@ergon/sandbox-core';
import type { Response } from 'express';
import { HttpError } from '../http/problem.js';
import { BodyStream } from '../stream/body-stream.js';
import { takeTurn } from '../stream/turns.js';
import { dateOf } from '../wire/files.js';
import { parseRange } from './range.js';
import { writeZip } from './write-zip.js';

/** What a program wrote is for no browser to run: it is saved, whatever it looks like. */
const fileType = 'application/octet-stream';
const archiveTypes = { tar: 'application/x-tar', zip: 'application/zip' } as const;
export type ArchiveKind = keyof typeof archiveTypes;

export interface FileToSend {
  readonly name: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly read: (part: { readonly offset: number; readonly length: number }) => AsyncIterable<Uint8Array>;
}

/** Answers with a file, or the part of it that the request asks for. */
export async function sendFile(response: Response, { name, bytes, modifiedMs, read }: FileToSend): Promise<void> {
  const { req: request } = response;
  const range = parseRange(request.headers.range, bytes);
  if (range === 'unsatisfiable') {
    throw new HttpError(416, 'Range not satisfiable', `Range: the file has ${bytes} bytes.`, {
      headers: { 'Content-Range': `bytes */${bytes}` },
    });
  }
  const { offset, length } = range ?? { offset: 0, length: bytes };
  const chunks = length === 0 || request.method === 'HEAD' ? null : await begun(read({ offset, length }));
  setName(response, name);
  response.set({
    'Accept-Ranges': 'bytes',
    'Content-Length': String(length),
    'Last-Modified': dateOf(modifiedMs).toUTCString(),
  });
  if (range !== null) response.set('Content-Range', `bytes ${offset}-${offset + length - 1}/${bytes}`);
  const stream = new BodyStream(response, { status: range === null ? 200 : 206, contentType: fileType });
  let left = length;
  for await (const chunk of chunks ?? []) {
    if (stream.left.aborted) return;
    await takeTurn();
    left -= chunk.length;
    await stream.write(chunk);
  }
  // A program made it shorter meanwhile: a part must not look like the whole.
  if (left > 0 && chunks !== null) response.destroy();
  else stream.end();
}

/** Answers with an archive of these entries. */
export async function sendArchive(
  response: Response,
  kind: ArchiveKind,
  name: string,
  entries: AsyncIterable<ArchiveEntry>,
): Promise<void> {
  const chunks = await begun(kind === 'tar' ? writeTar(entries) : writeZip(entries));
  setName(response, `${name}.${kind}`);
  const stream = new BodyStream(response, { contentType: archiveTypes[kind] });
  for await (const chunk of chunks) {
    if (stream.left.aborted) return;
    await takeTurn();
    await stream.write(chunk);
  }
  stream.end();
}

/** Waits for the first chunk, because what fails before it is still a refusal with a status. */
async function begun(chunks: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  return (async function* () {
    try {
      if (first.done !== true) yield first.value;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  })();
}

/** RFC 6266: the plain name for old readers, the true one for all others. */
function setName(response: Response, name: string): void {
  const plain = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const whole = encodeURIComponent(name).replaceAll(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  response.set('Content-Disposition', `attachment; filename="${plain}"; filename*=UTF-8''${whole}`);
}
