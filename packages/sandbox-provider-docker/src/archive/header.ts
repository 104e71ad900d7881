/** What one tar archive entry says of itself. Names are bytes: not every file name is UTF-8. */
export interface EntryHeader {
  readonly name: Buffer;
  readonly type: 'file' | 'directory' | 'symlink' | 'link';
  /** Permission bits only. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeSeconds: number;
  /** Of a symlink: where it points; of a link: the name of an earlier entry. */
  readonly linkName?: Buffer;
}

const block = 512;
const typeFlags = { file: '0', link: '1', symlink: '2', directory: '5', pax: 'x' } as const;

/** The end of an archive: two empty blocks. */
export const endOfArchive: Buffer = Buffer.alloc(2 * block);

/** What fills an entry's content up to a whole block. */
export function padding(size: number): Buffer {
  return Buffer.alloc((block - (size % block)) % block);
}

/** An entry's header in the POSIX format (pax(1), "pax Interchange Format"): what does not fit the old fields goes before it, as records. */
export function encodeHeader(entry: EntryHeader): Buffer {
  const records = Buffer.concat([
    ...(entry.name.length > 100 ? [record('path', entry.name)] : []),
    ...(entry.linkName && entry.linkName.length > 100 ? [record('linkpath', entry.linkName)] : []),
    ...(entry.size > 0o77777777777 ? [record('size', Buffer.from(`${entry.size}`))] : []),
    ...(entry.uid > 0o7777777 ? [record('uid', Buffer.from(`${entry.uid}`))] : []),
    ...(entry.gid > 0o7777777 ? [record('gid', Buffer.from(`${entry.gid}`))] : []),
  ]);
  const header = fields(entry, typeFlags[entry.type], entry.size);
  if (records.length === 0) return header;
  const before = fields(
    { ...entry, name: Buffer.from('pax'), linkName: Buffer.alloc(0) },
    typeFlags.pax,
    records.length,
  );
  return Buffer.concat([before, records, padding(records.length), header]);
}

function fields(entry: Omit<EntryHeader, 'type'>, typeFlag: string, size: number): Buffer {
  const header = Buffer.alloc(block);
  entry.name.copy(header, 0, 0, 100);
  octal(header, entry.mode, 100, 8);
  octal(header, entry.uid, 108, 8);
  octal(header, entry.gid, 116, 8);
  octal(header, size, 124, 12);
  octal(header, Math.max(0, Math.trunc(entry.mtimeSeconds)), 136, 12);
  header.write(typeFlag, 156);
  entry.linkName?.copy(header, 157, 0, 100);
  header.write('ustar\x0000', 257, 'latin1');
  // The checksum counts its own field as spaces.
  header.fill(' ', 148, 156);
  header.write(`${sum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** A value too large for its field is said by a record; the field is then 0. */
function octal(header: Buffer, value: number, offset: number, length: number): void {
  const digits = value.toString(8);
  header.write(`${(digits.length < length ? digits : '').padStart(length - 1, '0')}\0`, offset, 'latin1');
}

function sum(bytes: Buffer): number {
  let total = 0;
  for (const byte of bytes) total += byte;
  return total;
}

/** `LENGTH KEY=VALUE\n`, the length counting its own digits. */
function record(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return Buffer.concat([Buffer.from(`${length}`), rest]);
}
