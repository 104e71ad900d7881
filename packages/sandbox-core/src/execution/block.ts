import { crc32 } from 'node:zlib';
import type { OutputStream } from '../contract/provider.js';

/*
 * An event log's file: its header, then blocks. A block is what one write put there: whole, or torn and then worth nothing.
 *
 *   block   u32 length of its records, u32 CRC-32 of all that follows, u48 first number, u48 time in µs, records
 *   record  u8 kind, u8 stream, u8 held, u8 0, u32 length of its payload, u32 numbers it takes, u32 µs after the block's time, payload
 *
 * All little-endian. A record's numbers follow the last one's. Output takes one for its bytes and one for each line that ends in them.
 */
export const fileHeader = Buffer.from('ergon-log v0001\n');
const blockHeaderBytes = 20;
const recordHeaderBytes = 16;

/** A block is closed when it has this much, if the file has not taken it before. */
export const fullBlockBytes = 256 * 1024;
/** Output of one record. */
export const maxOutputRecordBytes = 64 * 1024;

export const recordKinds = {
  /** Bytes of a stream; see {@link CountedPiece} for `held`. */
  output: 1,
  /** The stream has ended; what is left of its last line is a line. */
  rest: 2,
  /** A LogEntry, in JSON. */
  entry: 3,
  /** The last entry, in JSON. */
  end: 4,
  /** What was not kept, in JSON: {@link Losses}. No event. The last one counts. */
  losses: 5,
} as const;
export type RecordKind = (typeof recordKinds)[keyof typeof recordKinds];

export interface Losses {
  /** Output was discarded at its limit. */
  readonly truncated: boolean;
  readonly discardedBytes: number;
  readonly droppedEntries: number;
}

export const outputStreams: readonly OutputStream[] = ['stdout', 'stderr'];

/** A record, and where its payload lies in its block. */
export interface LogRecord {
  readonly kind: RecordKind;
  readonly stream: OutputStream;
  readonly held: number;
  /** The first of its numbers. */
  readonly seq: number;
  readonly numbers: number;
  /** µs since the execution's start. */
  readonly atUs: number;
  readonly from: number;
  readonly to: number;
}

/** A finished block, and what its readers' side needs to know of it. */
export interface SealedBlock {
  readonly bytes: Buffer;
  /** No stream is within a line where it begins. */
  readonly betweenLines: boolean;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Bytes of output in it. */
  readonly output: Readonly<Record<OutputStream, number>>;
  /** The end entry is in it. */
  readonly ends: boolean;
}

interface NewRecord {
  readonly kind: RecordKind;
  readonly stream?: OutputStream;
  readonly held?: number;
  readonly numbers: number;
  readonly atUs: number;
}

/** Puts records into a block. */
export class BlockBuilder {
  #bytes: Buffer;
  #used = blockHeaderBytes;
  #nextSeq: number;
  readonly #output = { stdout: 0, stderr: 0 };
  #ends = false;
  /** Where the last record begins, while more output may join it: nobody has seen it. */
  #open: { readonly at: number; readonly stream: OutputStream } | null = null;

  constructor(
    readonly firstSeq: number,
    readonly atUs: number,
    readonly betweenLines: boolean,
  ) {
    this.#nextSeq = firstSeq;
    this.#bytes = Buffer.allocUnsafeSlow(4096);
    this.#bytes.writeUIntLE(firstSeq, 8, 6);
    this.#bytes.writeUIntLE(atUs, 14, 6);
  }

  get size(): number {
    return this.#used;
  }
  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Adds to the last record what follows of the same stream: a program that writes single bytes shall not fill the disk with headers. */
  output(stream: OutputStream, data: Uint8Array, lines: number, held: number, atUs: number): void {
    this.#output[stream] += data.length;
    const open = this.#open;
    const length = open === null ? 0 : this.#bytes.readUInt32LE(open.at + 4);
    if (open?.stream === stream && held === 0 && length + data.length <= maxOutputRecordBytes) {
      this.#append(data);
      this.#bytes.writeUInt32LE(length + data.length, open.at + 4);
      this.#bytes.writeUInt32LE(this.#bytes.readUInt32LE(open.at + 8) + lines, open.at + 8);
      this.#nextSeq += lines;
      return;
    }
    const at = this.#used;
    this.add({ kind: recordKinds.output, stream, held, numbers: 1 + lines, atUs }, data);
    if (held === 0) this.#open = { at, stream };
  }

  add(record: NewRecord, payload: Uint8Array = new Uint8Array()): void {
    this.#reserve(recordHeaderBytes + payload.length);
    const at = this.#used;
    const bytes = this.#bytes;
    bytes[at] = record.kind;
    bytes[at + 1] = outputStreams.indexOf(record.stream ?? 'stdout');
    bytes[at + 2] = record.held ?? 0;
    bytes[at + 3] = 0;
    bytes.writeUInt32LE(payload.length, at + 4);
    bytes.writeUInt32LE(record.numbers, at + 8);
    bytes.writeUInt32LE(Math.min(record.atUs - this.atUs, 0xffffffff), at + 12);
    this.#used += recordHeaderBytes;
    this.#append(payload);
    this.#nextSeq += record.numbers;
    this.#ends ||= record.kind === recordKinds.end;
    this.#open = null;
  }

  /** Nothing may be added any more. */
  seal(): SealedBlock {
    const used = this.#bytes.subarray(0, this.#used);
    // A small block that is kept in memory shall not hold a large buffer.
    const bytes = this.#used * 2 < this.#bytes.length ? Buffer.concat([used]) : used;
    bytes.writeUInt32LE(this.#used - blockHeaderBytes, 0);
    bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
    const { betweenLines, firstSeq } = this;
    return { bytes, betweenLines, firstSeq, lastSeq: this.#nextSeq - 1, output: this.#output, ends: this.#ends };
  }

  #append(data: Uint8Array): void {
    this.#reserve(data.length);
    this.#bytes.set(data, this.#used);
    this.#used += data.length;
  }

  #reserve(bytes: number): void {
    const needed = this.#used + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 4));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
  }
}

/** The records of a whole block. */
export function* recordsOf(block: Buffer): Generator<LogRecord, void, undefined> {
  let seq = block.readUIntLE(8, 6);
  const blockAtUs = block.readUIntLE(14, 6);
  for (let at = blockHeaderBytes; at < block.length;) {
    const from = at + recordHeaderBytes;
    const to = from + block.readUInt32LE(at + 4);
    const numbers = block.readUInt32LE(at + 8);
    yield {
      kind: block[at] as RecordKind,
      stream: outputStreams[block[at + 1] ?? 0] ?? 'stdout',
      held: block[at + 2] ?? 0,
      seq,
      numbers,
      atUs: blockAtUs + block.readUInt32LE(at + 12),
      from,
      to,
    };
    seq += numbers;
    at = to;
  }
}

/** The first number of a block. */
export function firstSeqOf(block: Buffer): number {
  return block.readUIntLE(8, 6);
}

/** Size of the block that begins here, as it says itself; its header's, if even that is not whole. */
export function blockSize(bytes: Buffer, at: number): number {
  return bytes.length - at < blockHeaderBytes ? blockHeaderBytes : blockHeaderBytes + bytes.readUInt32LE(at);
}

/** The whole and undamaged blocks with which these bytes begin. */
export function wholeBlocks(bytes: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = 0; bytes.length - at >= blockHeaderBytes;) {
    const block = bytes.subarray(at, at + blockSize(bytes, at));
    const isWhole = block.length === blockSize(bytes, at) && block.length > blockHeaderBytes;
    if (!isWhole || crc32(block.subarray(8)) !== block.readUInt32LE(4)) break;
    blocks.push(block);
    at += block.length;
  }
  return blocks;
}
