import { pipeline, Readable } from 'node:stream';
import { isSandboxError, SandboxError, sentenceOf } from '@ergon/sandbox-core';
import { extract } from 'tar-stream';
import { encodeHeader, endOfArchive, padding } from './header.js';
import type { PackOptions } from './pack.js';
import { type ForeignHeader, Places } from './places.js';

/** Nothing else bounds what an archive may take of the engine's disk. */
const MAX_BYTES = 4 * 2 ** 30;
/** Of a name and what belongs to it (a block of tar). */
const BYTES_PER_ENTRY = 512;

/**
 * An archive of someone else's, written anew below `prefix` and owned by uid and gid, when nothing in it leaves that folder: neither by `..`, nor by an absolute name, nor through a
 * link. What is passed on is what was understood here, so that no other reading of the same bytes is possible. The stream is destroyed with SandboxError SANDBOX008 at
 * the first entry that is refused, and at an archive that is damaged or cut off; with SANDBOX004 at one that holds more than `maxBytes`, names included.
 */
export function checkedArchive(
  archive: AsyncIterable<Uint8Array>,
  options: PackOptions,
  maxBytes = MAX_BYTES,
): Readable {
  return Readable.from(checked(archive, options, maxBytes), { objectMode: false });
}

// Names in the old fields come as latin1, byte for byte; its types know nothing of this option.
const reading = { highWaterMark: 256 * 1024, filenameEncoding: 'latin1' };

async function* checked(
  archive: AsyncIterable<Uint8Array>,
  options: PackOptions,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const entries = extract(reading);
  const source = Readable.from(archive, { objectMode: false });
  pipeline(source, entries, () => {
    // Its error ends the loop below, too.
  });
  const places = new Places(options.prefix);
  try {
    yield rootEntry(options);
    let written = 0;
    for await (const entry of entries) {
      const header = places.admit(entry.header as ForeignHeader);
      if (header === undefined) {
        entry.resume();
        continue;
      }
      written += BYTES_PER_ENTRY + header.size;
      if (written > maxBytes) {
        const message = `The archive for /${options.prefix} holds more than ${maxBytes} bytes.`;
        throw new SandboxError('SANDBOX004', message, { field: 'mounts' });
      }
      const { uid, gid } = options;
      yield encodeHeader({ ...header, uid, gid });
      for await (const chunk of entry as AsyncIterable<Uint8Array>) yield chunk;
      const rest = padding(header.size);
      if (rest.length > 0) yield rest;
    }
    yield endOfArchive;
  } catch (error) {
    if (isSandboxError(error)) throw error;
    throw new SandboxError('SANDBOX008', `The archive for /${options.prefix} cannot be read: ${sentenceOf(error)}.`, {
      cause: error,
    });
  } finally {
    source.destroy();
    entries.destroy();
  }
}

function rootEntry({ prefix, uid, gid }: PackOptions): Buffer {
  return encodeHeader({
    name: Buffer.from(prefix),
    type: 'directory',
    mode: 0o755,
    uid,
    gid,
    size: 0,
    mtimeSeconds: Date.now() / 1000,
  });
}
