import { readSync } from 'node:fs';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { archivePath, otherArchive, SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type { ArchiveEntry } from '@ergon/sandbox-core';
import type { Entry, ZipFile } from 'yauzl';
import { fromFdPromise } from 'yauzl';

const fileType = { mask: 0o170000, regular: 0o100000, folder: 0o040000 };
/** "Version made by" of Unix, where the attributes are a mode (APPNOTE.TXT, 4.4.2). */
const madeByUnix = 3;

/**
 * The files and folders of a zip archive, which may be hostile: its paths stay below the folder into which it is put, and no entry has more
 * content than it says.
 * @param fd of a regular file, open for the whole time
 * @throws SandboxError SANDBOX008 (damaged, encrypted, a link, an unfit name), SANDBOX004 (over the bounds)
 */
export async function* readZip(
  fd: number,
  { maxEntries, maxBytes }: { readonly maxEntries: number; readonly maxBytes: number },
): AsyncGenerator<ArchiveEntry, void, undefined> {
  let bytes = 0;
  let entries = 0;
  const zip = await fromFdPromise(fd, { autoClose: false }).catch((error: unknown) => {
    const start = Buffer.alloc(512);
    const other = otherArchive(start.subarray(0, readSync(fd, start, 0, start.length, 0)), 'zip');
    throw other === null ? damaged(error) : new SandboxError('SANDBOX008', other, { cause: error });
  });
  const iterator = zip.eachEntry();
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        throw damaged(error);
      });
      if (next.done === true) return;
      const entry = next.value;
      entries += 1;
      bytes += entry.uncompressedSize;
      if (entries > maxEntries)
        throw new SandboxError('SANDBOX004', `The archive has more than ${maxEntries} entries.`);
      if (bytes > maxBytes) throw new SandboxError('SANDBOX004', `The archive holds more than ${maxBytes} bytes.`);
      const read = entryOf(zip, entry);
      if (read.path !== '') yield read;
    }
  } finally {
    await iterator.return?.();
  }
}

function entryOf(zip: ZipFile, entry: Entry): ArchiveEntry {
  const shown = JSON.stringify(entry.fileName.slice(0, 200));
  const path = archivePath(entry.fileName);
  if (path === null) throw unfit(`${shown} is no path that can be put below a folder`);
  const isFolder = entry.fileName.endsWith('/');
  const unixMode = entry.versionMadeBy >>> 8 === madeByUnix ? entry.externalFileAttributes >>> 16 : 0;
  const type = unixMode & fileType.mask;
  if (type !== 0 && type !== (isFolder ? fileType.folder : fileType.regular)) {
    throw unfit(`${shown} is a link or a special file`);
  }
  if (!isFolder && !entry.canDecodeFileData()) throw unfit(`${shown} is encrypted, or compressed in a rare way`);
  const mode = unixMode & 0o777;
  return {
    path,
    type: isFolder ? 'folder' : 'file',
    bytes: isFolder ? 0 : entry.uncompressedSize,
    mode: mode === 0 ? (isFolder ? 0o755 : 0o644) : mode,
    modifiedMs: entry.getLastModDate({ timezone: 'UTC' }).getTime() || 0,
    content: isFolder ? Readable.from([]) : contentOf(zip, entry, shown),
  };
}

async function* contentOf(zip: ZipFile, entry: Entry, shown: string): AsyncGenerator<Uint8Array, void, undefined> {
  let sum = 0;
  try {
    const stream = await zip.openReadStreamPromise(entry);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (error) {
    throw damaged(error);
  }
  if (sum !== entry.crc32) throw damaged(`the checksum of ${shown} is another`);
}

function damaged(error: unknown): SandboxError {
  const why = typeof error === 'string' ? error : sentenceOf(error);
  return new SandboxError('SANDBOX008', `The archive is no zip that can be read: ${why.replace(/\.$/, '')}.`, {
    cause: error,
  });
}

function unfit(why: string): SandboxError {
  return new SandboxError('SANDBOX008', `The archive: ${why}.`);
}
