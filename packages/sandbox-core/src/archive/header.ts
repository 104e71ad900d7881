import { SandboxError } from '../contract/error.js';
import { blockBytes } from './entry.js';

/** The fields of a header (tar(5)) that matter here. */
export interface TarHeader {
  /** As bytes: it may be no text. */
  readonly name: Buffer;
  readonly typeFlag: string;
  readonly size: number;
  readonly mode: number;
  readonly modifiedSeconds: number;
}

/** Its checksum is right. */
export function isHeader(block: Buffer): boolean {
  return block.length === blockBytes && number(block, 148, 8) === checksum(block);
}

/** @throws SandboxError SANDBOX008 when it is none */
export function decodeHeader(block: Buffer): TarHeader {
  if (!isHeader(block)) throw damaged('a header has the wrong checksum');
  const posix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = posix ? text(block, 345, 155) : Buffer.alloc(0);
  const name = text(block, 0, 100);
  const size = number(block, 124, 12);
  if (!Number.isSafeInteger(size) || size < 0) throw damaged('a header has no size');
  const mode = number(block, 100, 8);
  const modified = number(block, 136, 12);
  return {
    name: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]),
    typeFlag: String.fromCharCode(block[156] ?? 0),
    size,
    mode: Number.isSafeInteger(mode) ? mode & 0o777 : 0o644,
    modifiedSeconds: Number.isSafeInteger(modified) ? modified : 0,
  };
}

/** Of a POSIX extended header (pax(1)): `LENGTH KEY=VALUE\n`, one after another. @throws SandboxError SANDBOX008 when it is none */
export function decodeRecords(data: Buffer): Map<string, Buffer> {
  const records = new Map<string, Buffer>();
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const length = Number(data.toString('latin1', at, Math.min(space, at + 10)));
    const end = at + length;
    const equals = data.indexOf(0x3d, space);
    if (space < 0 || !Number.isSafeInteger(length) || equals < 0 || equals >= end || data[end - 1] !== 0x0a) {
      throw damaged('an extended header cannot be read');
    }
    records.set(data.toString('latin1', space + 1, equals), data.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

/**
 * A header as GNU's tar writes it, which also busybox's understands in full: a name over 100 bytes stands before it, in an entry of its
 * own, and a size over 8 GiB is binary.
 */
export function encodeHeader(header: TarHeader): Buffer {
  const { name } = header;
  if (name.length <= 100) return fields(header);
  const data = Buffer.concat([name, Buffer.alloc(1)]);
  const long = { name: Buffer.from('././@LongLink'), typeFlag: 'L', size: data.length, mode: 0, modifiedSeconds: 0 };
  const filled = Buffer.alloc(Math.ceil(data.length / blockBytes) * blockBytes);
  data.copy(filled);
  return Buffer.concat([fields(long), filled, fields({ ...header, name: name.subarray(0, 100) })]);
}

function fields({ name, typeFlag, size, mode, modifiedSeconds }: TarHeader): Buffer {
  const block = Buffer.alloc(blockBytes);
  name.copy(block);
  octal(block, mode, 100, 8);
  octal(block, 0, 108, 8);
  octal(block, 0, 116, 8);
  if (size <= 0o77777777777) octal(block, size, 124, 12);
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(size), 128);
  }
  octal(block, Math.min(Math.max(0, Math.trunc(modifiedSeconds)), 0o77777777777), 136, 12);
  block.write(typeFlag, 156, 'latin1');
  block.write('ustar  \0', 257, 'latin1');
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

function octal(block: Buffer, value: number, offset: number, length: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1');
}

/** Of all bytes, with those of the sum itself as spaces. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < blockBytes; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  return sum;
}

/** A field's number, octal or, with the first bit set, binary (a GNU extension). NaN: none. */
function number(block: Buffer, offset: number, length: number): number {
  const field = block.subarray(offset, offset + length);
  const first = field[0] ?? 0;
  if (first === 0x80) return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  if (first === 0xff) return -field.subarray(1).reduce((sum, byte) => sum * 256 + (255 - byte), 0) - 1;
  const digits = /^ *([0-7]*)[ \0]*$/.exec(field.toString('latin1').replace(/\0.*$/s, ''))?.[1];
  return digits === undefined ? NaN : digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** A field's bytes before its first NUL. */
function text(block: Buffer, offset: number, length: number): Buffer {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return Buffer.from(end === -1 ? field : field.subarray(0, end));
}

export function damaged(how: string): SandboxError {
  return new SandboxError('SANDBOX008', `The tar archive is damaged: ${how}.`);
}
