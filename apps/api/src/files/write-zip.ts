import { PassThrough, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { sentenceOf } from '@ergon/sandbox-core';
import type { ArchiveEntry } from '@ergon/sandbox-core';
import { ZipFile } from 'yazl';

/** The writer keeps all that it knows of each, and looks through it for the next: twice as many take four times as long. */
export const maxZipEntries = 20_000;

/** What a zip can tell of times, in ms since 1970: the years of DOS, and seconds in 32 bits (APPNOTE.TXT, 4.4.6; Info-ZIP's extra field UT). */
const times = { first: Date.UTC(1980, 0, 1), last: (2 ** 32 - 1) * 1000 };

/** A zip archive of these entries, at most {@link maxZipEntries} of them, as they come. */
export async function* writeZip(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<Uint8Array, void, undefined> {
  const zip = new ZipFile();
  const output = new PassThrough();
  zip.outputStream.pipe(output);
  const feed = async (): Promise<void> => {
    for await (const { path, type, mode, modifiedMs, content } of entries) {
      const options = {
        mtime: new Date(Math.min(Math.max(modifiedMs, times.first), times.last)),
        mode: (type === 'file' ? 0o100000 : 0o040000) | mode,
      };
      const name = nameInZip(path);
      if (type === 'folder') {
        zip.addEmptyDirectory(name, options);
        continue;
      }
      const source = Readable.from(content, { objectMode: false });
      zip.addReadStream(source, name, options);
      try {
        await finished(source, { signal: left.signal }); // its content is there only until the next entry is asked for
      } finally {
        source.destroy();
      }
    }
    zip.end();
  };
  const left = new AbortController();
  const feeding = feed().catch((error: unknown) => output.destroy(asError(error)));
  try {
    yield* output as AsyncIterable<Uint8Array>;
  } finally {
    left.abort();
    await feeding;
  }
}

/**
 * A name must not begin like a drive of Windows (APPNOTE.TXT, 4.4.17.1). `./c:x` is the same file as `c:x`, and no other entry has that
 * name: archivePath leaves no `./`, and none of the other names that a zip refuses.
 */
function nameInZip(path: string): string {
  return /^[a-z]:/i.test(path) ? `./${path}` : path;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(sentenceOf(error));
}
