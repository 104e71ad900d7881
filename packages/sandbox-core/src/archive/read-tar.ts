import { SandboxError } from '../contract/error.js';
import { ByteReader } from './bytes.js';
import { archivePath, blockBytes, padding } from './entry.js';
import type { ArchiveEntry } from './entry.js';
import { otherArchive } from './format.js';
import { damaged, decodeHeader, decodeRecords, isHeader } from './header.js';
import type { TarHeader } from './header.js';

/**
 * Why an entry is none that can be passed on. `link`: a symbolic or a hard one. `special`: a device, a FIFO, a sparse file, or of a type
 * that is not known. `name`: {@link archivePath} takes it for none, or it is no UTF-8.
 */
export type UnfitEntry = 'link' | 'special' | 'name';

export interface TarBounds {
  /** Entries at most, unfit ones included. */
  readonly maxEntries: number;
  /** Content at most, in bytes, of unfit entries too. */
  readonly maxBytes: number;
  /** Told of each unfit entry, which is passed over. Absent: it is refused. */
  readonly skipped?: (why: UnfitEntry) => void;
}

/** Long names and extended headers are held in memory. */
const maxNoteBytes = 65_536;
/** Of them before one entry; they count as none themselves. Writers have a long name, a long link and two extended headers. */
const maxNotes = 8;

/**
 * The regular files and folders of a tar archive (ustar, pax or GNU), which may be hostile: nothing in it can name a place outside of the
 * folder below which it is put. Memory is bounded. Archives that follow one another count as one. Of two entries with one path the last
 * counts, as with tar(1).
 *
 * An entry's content can be read until the next entry is asked for, or be left.
 *
 * @throws SandboxError SANDBOX008 (damaged, cut off, or with an unfit entry), SANDBOX004 (over the bounds); what the source throws
 */
export async function* readTar(
  source: AsyncIterable<Uint8Array>,
  bounds: TarBounds,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const reader = new ByteReader(source);
  const budget = new Budget(bounds);
  try {
    for (let header; (header = await nextHeader(reader, budget)) !== null;) {
      budget.add(header);
      const content = new Content(reader, header.size);
      const entry = fitEntry(header, content);
      if (typeof entry === 'object') yield entry;
      else if (entry !== 'root') refuse(entry, header, bounds);
      await content.leave();
    }
  } finally {
    await reader.close();
  }
}

/** Counts what came. */
class Budget {
  #entries = 0;
  #bytes = 0;
  /** Empty blocks: an archive ends with two, or more. */
  #empty = 0;

  constructor(private readonly bounds: TarBounds) {}

  get hasBegun(): boolean {
    return this.#entries > 0 || this.hasEnd;
  }

  get hasEnd(): boolean {
    return this.#empty > 0;
  }

  addEmpty(): void {
    this.#empty += 1;
    if (this.#empty > 2048 + 64 * this.#entries) throw damaged('it has too much of nothing');
  }

  add({ size }: TarHeader): void {
    const { maxEntries, maxBytes } = this.bounds;
    this.#entries += 1;
    this.#bytes += size;
    if (this.#entries > maxEntries) {
      throw new SandboxError('SANDBOX004', `The archive has more than ${String(maxEntries)} entries.`);
    }
    if (this.#bytes > maxBytes) {
      throw new SandboxError('SANDBOX004', `The archive holds more than ${String(maxBytes)} bytes.`);
    }
  }
}

/** The content of one entry, on its way. */
class Content implements AsyncIterable<Uint8Array> {
  #missing: number;
  #over = false;

  constructor(
    private readonly reader: ByteReader,
    private readonly size: number,
  ) {
    this.#missing = size;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (let chunk; (chunk = await this.#next()) !== null;) yield chunk;
  }

  async #next(): Promise<Buffer | null> {
    if (this.#over) throw new Error('the archive was read on: this content has gone by');
    if (this.#missing === 0) return null;
    const chunk = await this.reader.some(this.#missing);
    if (chunk === null) throw damaged('it is cut off');
    this.#missing -= chunk.length;
    return chunk;
  }

  /** Reads to the next header. */
  async leave(): Promise<void> {
    while ((await this.#next()) !== null);
    this.#over = true;
    const rest = padding(this.size);
    if ((await this.reader.exactly(rest)).length < rest) throw damaged('it is cut off');
  }
}

/** The next entry's header, with what stands before it. Null: the end. */
async function nextHeader(reader: ByteReader, budget: Budget): Promise<TarHeader | null> {
  let longName: Buffer | undefined;
  let records = new Map<string, Buffer>();
  let notes = 0;
  for (;;) {
    const block = await reader.exactly(blockBytes);
    if (block.length === 0 && budget.hasEnd) return null;
    const other = budget.hasBegun || isHeader(block) ? null : otherArchive(block, 'tar');
    if (other !== null) throw new SandboxError('SANDBOX008', other);
    if (block.length < blockBytes) throw damaged('it is cut off');
    if (block.every((byte) => byte === 0)) {
      budget.addEmpty();
      continue;
    }
    const header = decodeHeader(block);
    if (!'LKxg'.includes(header.typeFlag)) return complete(header, longName, records);
    notes += 1;
    if (notes > maxNotes) throw damaged('an entry has too many extended headers');
    if (header.size > maxNoteBytes) throw damaged('a name or an extended header is too long');
    const note = await reader.exactly(header.size + padding(header.size));
    if (note.length < header.size) throw damaged('it is cut off');
    const data = note.subarray(0, header.size);
    if (header.typeFlag === 'L') longName = untilNul(data);
    if (header.typeFlag === 'x') records = decodeRecords(data);
  }
}

function untilNul(data: Buffer): Buffer {
  const end = data.indexOf(0);
  return Buffer.from(end === -1 ? data : data.subarray(0, end));
}

function complete(header: TarHeader, longName: Buffer | undefined, records: Map<string, Buffer>): TarHeader {
  const size = records.get('size')?.toString('latin1');
  if (size !== undefined && !/^\d{1,15}$/.test(size)) throw damaged('a header has no size');
  const modified = Number(records.get('mtime')?.toString('latin1') ?? header.modifiedSeconds);
  const sparse = header.typeFlag === 'S' || [...records.keys()].some((key) => key.startsWith('GNU.sparse.'));
  return {
    ...header,
    name: records.get('path') ?? longName ?? header.name,
    size: size === undefined ? header.size : Number(size),
    modifiedSeconds: Number.isFinite(modified) && Math.abs(modified) < 2 ** 43 ? modified : 0,
    typeFlag: sparse ? 'S' : header.typeFlag,
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function fitEntry(header: TarHeader, content: Content): ArchiveEntry | UnfitEntry | 'root' {
  const { name, size, mode, modifiedSeconds } = header;
  const isFolder = header.typeFlag === '5' || ('0\0'.includes(header.typeFlag) && name.at(-1) === 0x2f);
  const isFile = !isFolder && '0\x007'.includes(header.typeFlag);
  // Whether there is content behind these, readers of tar archives do not agree.
  if (!isFile && '123456'.includes(isFolder ? '5' : header.typeFlag) && size > 0) {
    throw damaged('something that is no file has content');
  }
  if ('12'.includes(header.typeFlag)) return 'link';
  if (!isFile && !isFolder) return 'special';
  let path: string | null;
  try {
    path = archivePath(utf8.decode(name));
  } catch {
    return 'name'; // no UTF-8
  }
  if (path === null || (path === '' && isFile)) return 'name';
  if (path === '') return 'root';
  return { path, type: isFile ? 'file' : 'folder', bytes: size, mode, modifiedMs: modifiedSeconds * 1000, content };
}

function refuse(why: UnfitEntry, { name }: TarHeader, { skipped }: TarBounds): void {
  if (skipped !== undefined) {
    skipped(why);
    return;
  }
  const shown = JSON.stringify(name.toString().slice(0, 200));
  const sentences: Record<UnfitEntry, string> = {
    link: `${shown} is a link`,
    special: `${shown} is neither a regular file nor a folder`,
    name: `${shown} is no name that a file here can have`,
  };
  throw new SandboxError('SANDBOX008', `The archive can't be taken: ${sentences[why]}.`);
}
