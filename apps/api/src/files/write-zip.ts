import { pipeline } from 'node:stream/promises';
import { crc32, createDeflateRaw, deflateRawSync } from 'node:zlib';
import type { ArchiveEntry } from '@ergon/sandbox-core';

/** Of an entry that is held as a whole, so that its sizes stand before it. */
const smallBytes = 65_536;
const gatheredBytes = 65_536;

/**
 * A zip archive of these entries, as they come. Of an entry that has gone by only its record for the directory at the end stays in memory.
 * The numbers in brackets are sections of PKWARE's APPNOTE.TXT.
 */
export async function* writeZip(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Buffer[] = [];
  let bytes = 0;
  for await (const piece of write(entries)) {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < gatheredBytes) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  yield Buffer.concat(waiting);
}

async function* write(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<Buffer, void, undefined> {
  const directory: Buffer[] = [];
  let position = 0;
  for await (const entry of entries) {
    const { type, path, content } = entry;
    const isStreamed = type === 'file' && entry.bytes > smallBytes;
    const head: Head = {
      name: Buffer.from(type === 'file' ? nameInZip(path) : `${nameInZip(path)}/`),
      mode: (type === 'file' ? 0o100000 : 0o040000) | entry.mode,
      modifiedMs: Math.min(Math.max(entry.modifiedMs, times.first), times.last),
      isStreamed,
      isLarge: isStreamed && entry.bytes > largeBytes,
      offset: position,
    };
    let body: Body;
    if (isStreamed) {
      body = { method: deflate, crc: 0, bytes: 0, packedBytes: 0 };
      const start = localHeader(head, body);
      yield start;
      position += start.length;
      for await (const chunk of deflated(content, body)) {
        body.packedBytes += chunk.length;
        yield chunk;
      }
      const descriptor = dataDescriptor(head, body);
      yield descriptor;
      position += body.packedBytes + descriptor.length;
    } else {
      const plain = type === 'file' ? await whole(content) : Buffer.alloc(0);
      const packed = plain.length > 0 ? deflateRawSync(plain) : plain;
      const isSmaller = packed.length < plain.length;
      const data = isSmaller ? packed : plain;
      body = {
        method: isSmaller ? deflate : store,
        crc: crc32(plain),
        bytes: plain.length,
        packedBytes: data.length,
      };
      const start = localHeader(head, body);
      yield start;
      yield data;
      position += start.length + data.length;
    }
    directory.push(centralRecord(head, body));
  }
  let directoryBytes = 0;
  for (const record of directory) {
    directoryBytes += record.length;
    yield record;
  }
  yield endOfZip(directory.length, directoryBytes, position);
}

/** What is known of an entry before its content. */
interface Head {
  readonly name: Buffer;
  /** With the type of the file. */
  readonly mode: number;
  readonly modifiedMs: number;
  /** Its sizes stand behind its content. */
  readonly isStreamed: boolean;
  /** They have 64 bits there. */
  readonly isLarge: boolean;
  readonly offset: number;
}

interface Body {
  readonly method: number;
  crc: number;
  bytes: number;
  packedBytes: number;
}

async function whole(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Counts what goes in. */
async function* deflated(content: AsyncIterable<Uint8Array>, body: Body): AsyncGenerator<Buffer, void, undefined> {
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of content) {
      body.crc = crc32(chunk, body.crc);
      body.bytes += chunk.length;
      yield chunk;
    }
  };
  const packing = createDeflateRaw();
  const feeding = pipeline(counted, packing).catch(() => undefined); // whoever reads it is told
  try {
    yield* packing as AsyncIterable<Buffer>;
  } finally {
    packing.destroy();
    await feeding;
  }
}

const store = 0;
const deflate = 8;
const version = { plain: 20, large: 45 } as const;
/** "Version made by" of Unix, where the attributes are a mode (4.4.2). */
const madeBy = (3 << 8) | 63;
const flags = { utf8: 1 << 11, streamed: 1 << 3 } as const;
const max16 = 0xffff;
const max32 = 0xffff_ffff;
/** Content that cannot be packed becomes a little longer: its sizes are to fit into 32 bits all the same. */
const largeBytes = max32 - 2 ** 24;
/** What a zip can tell of times, in ms since 1970: the years of DOS, and seconds in 32 bits (4.4.6; Info-ZIP's extra field UT). */
const times = { first: Date.UTC(1980, 0, 1), last: (2 ** 32 - 1) * 1000 };

/** 4.3.7 */
function localHeader(head: Head, { method, crc, bytes, packedBytes }: Body): Buffer {
  const extra = head.isLarge ? [largeSizes(0, 0), timeField(head)] : [timeField(head)];
  const start = Buffer.alloc(30);
  start.writeUInt32LE(0x04034b50, 0);
  writeCommon(start, 4, head, method);
  start.writeUInt32LE(head.isStreamed ? 0 : crc, 14);
  start.writeUInt32LE(head.isLarge ? max32 : head.isStreamed ? 0 : packedBytes, 18);
  start.writeUInt32LE(head.isLarge ? max32 : head.isStreamed ? 0 : bytes, 22);
  start.writeUInt16LE(head.name.length, 26);
  start.writeUInt16LE(sum(extra), 28);
  return Buffer.concat([start, head.name, ...extra]);
}

/** 4.3.9 */
function dataDescriptor({ isLarge }: Head, { crc, bytes, packedBytes }: Body): Buffer {
  const sizes = isLarge ? numbers64(packedBytes, bytes) : numbers32(packedBytes, bytes);
  return Buffer.concat([numbers32(0x08074b50, crc), sizes]);
}

/** 4.3.12 */
function centralRecord(head: Head, { method, crc, bytes, packedBytes }: Body): Buffer {
  const isFar = head.isLarge || head.offset >= max32;
  const extra = isFar ? [largeSizes(bytes, packedBytes, head.offset), timeField(head)] : [timeField(head)];
  const start = Buffer.alloc(46);
  start.writeUInt32LE(0x02014b50, 0);
  start.writeUInt16LE(madeBy, 4);
  writeCommon(start, 6, head, method, isFar);
  start.writeUInt32LE(crc, 16);
  start.writeUInt32LE(isFar ? max32 : packedBytes, 20);
  start.writeUInt32LE(isFar ? max32 : bytes, 24);
  start.writeUInt16LE(head.name.length, 28);
  start.writeUInt16LE(sum(extra), 30);
  start.writeUInt32LE((head.mode << 16) >>> 0, 38);
  start.writeUInt32LE(isFar ? max32 : head.offset, 42);
  return Buffer.concat([start, head.name, ...extra]);
}

/** Version, flags, method and time, which stand in both headers in one order. */
function writeCommon(start: Buffer, at: number, head: Head, method: number, isLarge = head.isLarge): void {
  const time = new Date(head.modifiedMs);
  start.writeUInt16LE(isLarge ? version.large : version.plain, at);
  start.writeUInt16LE(flags.utf8 | (head.isStreamed ? flags.streamed : 0), at + 2);
  start.writeUInt16LE(method, at + 4);
  start.writeUInt16LE((time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1), at + 6);
  start.writeUInt16LE(
    ((time.getUTCFullYear() - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(),
    at + 8,
  );
}

/** Info-ZIP's extra field UT: the last change, in seconds since 1970. */
function timeField({ modifiedMs }: Head): Buffer {
  const field = Buffer.from([0x55, 0x54, 5, 0, 1, 0, 0, 0, 0]);
  field.writeUInt32LE(Math.floor(modifiedMs / 1000), 5);
  return field;
}

/** 4.5.3 */
function largeSizes(...sizes: readonly number[]): Buffer {
  const field = Buffer.from([1, 0, 8 * sizes.length, 0]);
  return Buffer.concat([field, numbers64(...sizes)]);
}

/** 4.3.14 to 4.3.16 */
function endOfZip(count: number, directoryBytes: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(count, max16), 8);
  end.writeUInt16LE(Math.min(count, max16), 10);
  end.writeUInt32LE(Math.min(directoryBytes, max32), 12);
  end.writeUInt32LE(Math.min(offset, max32), 16);
  if (count < max16 && directoryBytes < max32 && offset < max32) return end;
  const versions = Buffer.alloc(4);
  versions.writeUInt16LE(madeBy, 0);
  versions.writeUInt16LE(version.large, 2);
  return Buffer.concat([
    numbers32(0x06064b50),
    numbers64(44),
    versions,
    numbers32(0, 0),
    numbers64(count, count, directoryBytes, offset),
    numbers32(0x07064b50, 0),
    numbers64(offset + directoryBytes),
    numbers32(1),
    end,
  ]);
}

function numbers32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
}

function numbers64(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => bytes.writeBigUInt64LE(BigInt(value), 8 * index));
  return bytes;
}

function sum(parts: readonly Buffer[]): number {
  return parts.reduce((total, { length }) => total + length, 0);
}

/**
 * A name must not begin like a drive of Windows (4.4.17.1). `./c:x` is the same file as `c:x`, and no other entry has that name: archivePath
 * leaves no `./`, and none of the other names that a zip refuses.
 */
function nameInZip(path: string): string {
  return /^[a-z]:/i.test(path) ? `./${path}` : path;
}
