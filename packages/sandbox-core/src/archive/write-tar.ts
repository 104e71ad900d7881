import { blockBytes, padding } from './entry.js';
import type { ArchiveEntry } from './entry.js';
import { encodeHeader } from './header.js';

/** The end of an archive: two empty blocks. */
export const endOfTar: Uint8Array = Buffer.alloc(2 * blockBytes);

/** A tar archive of these entries, in their order, that GNU's and busybox's tar read alike. @throws Error when content is not as long as it says */
export function writeTar(
  entries: AsyncIterable<ArchiveEntry> | Iterable<ArchiveEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  return gathered(write(entries));
}

const gatheredBytes = 65_536;

/** Many small entries in few chunks: each costs its way. */
async function* gathered(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes < gatheredBytes) continue;
    yield waiting.length === 1 ? chunk : Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  yield Buffer.concat(waiting);
}

async function* write(
  entries: AsyncIterable<ArchiveEntry> | Iterable<ArchiveEntry>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const entry of entries) {
    yield encodeEntry(entry);
    if (entry.type === 'folder') continue;
    let missing = entry.bytes;
    for await (const chunk of entry.content) {
      missing -= chunk.length;
      if (missing < 0) break;
      yield chunk;
    }
    if (missing !== 0) throw new Error(`the content of ${entry.path} is not ${String(entry.bytes)} bytes long`);
    const rest = padding(entry.bytes);
    if (rest > 0) yield Buffer.alloc(rest);
  }
  yield endOfTar;
}

/** Its header, with all that stands before it. */
export function encodeEntry({ path, type, bytes, mode, modifiedMs }: Omit<ArchiveEntry, 'content'>): Buffer {
  const isFile = type === 'file';
  return encodeHeader({
    name: Buffer.from(isFile ? path : `${path}/`),
    typeFlag: isFile ? '0' : '5',
    size: isFile ? bytes : 0,
    mode: mode & 0o777,
    modifiedSeconds: modifiedMs / 1000,
  });
}
