import { SandboxError } from '../../contract/error.js';
import type { FileEntry } from '../../contract/files.js';

/** Names and numbers of one entry are shorter (NAME_MAX). */
const MAX_RECORD_BYTES = 1024;

/**
 * Reads entries out of `nonce/mode/size/second/./name` and a newline, one after another. A name may hold anything but `/` and NUL: it ends
 * where a newline and the next nonce are, or the data.
 */
export async function* readRecords(chunks: AsyncIterable<Uint8Array>, nonce: string): AsyncGenerator<FileEntry> {
  const separator = Buffer.from(`${nonce}/`);
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    for (let next; (next = pending.indexOf(separator, separator.length)) !== -1; pending = pending.subarray(next)) {
      yield parseRecord(pending.subarray(separator.length, next));
    }
    if (pending.length > MAX_RECORD_BYTES) throw unreadable();
  }
  if (pending.length > 0) yield parseRecord(pending.subarray(separator.length));
}

const TYPES: Readonly<Record<number, FileEntry['type']>> = { 0o10: 'file', 0o4: 'folder', 0o12: 'link' };

/** @param record without its nonce, with its newline */
function parseRecord(record: Buffer): FileEntry {
  const match = /^([0-9a-f]+)\/(\d+)\/(-?\d+)\/(?:\.\/)?([^/]+)\n$/.exec(record.toString());
  if (match === null) throw unreadable();
  const [mode = '', size, second, name = ''] = match.slice(1);
  const bits = Number.parseInt(mode, 16);
  const type = TYPES[bits >> 12] ?? 'other';
  return {
    name,
    type,
    bytes: type === 'file' ? Number(size) : null,
    mode: bits & 0o7777,
    modifiedMs: Number(second) * 1000,
  };
}

function unreadable(): SandboxError {
  return new SandboxError('SANDBOX011', "What the sandbox's stat(1) printed is no listing.");
}
