import { SandboxError } from '@ergon/sandbox-core';
import type { Header } from 'tar-stream';
import type { EntryHeader } from './header.js';

/** A header as tar-stream gives it, with names of the old fields as latin1 (byte for byte) and those of records as UTF-8. */
export type ForeignHeader = Header & { readonly pax: Readonly<Record<string, string>> | null };

/**
 * Where the entries of one archive come to lie, below one folder; refuses those that would leave it. Names are kept as latin1 here: a character is a byte.
 */
export class Places {
  readonly #taken = new Map<string, EntryHeader['type']>();

  /** @param folder from the container's root, e.g. `layers/python` */
  constructor(private readonly folder: string) {}

  /**
   * The header with which an entry is passed on; undefined for the folder's own, which needs none.
   *
   * @throws SandboxError SANDBOX008
   */
  admit(header: ForeignHeader): Omit<EntryHeader, 'uid' | 'gid'> | undefined {
    const steps = this.#below(text(header, 'name', 'path'), header);
    if (steps.length === 0 && header.type === 'directory') return undefined;
    const type = plainType(header);
    const place = this.#take(steps, type, header);
    return {
      name: this.#name(place),
      type,
      mode: (header.mode & 0o777) | (type === 'directory' ? 0o700 : 0o600),
      size: type === 'file' ? header.size : 0,
      mtimeSeconds: header.mtime.getTime() / 1000,
      ...(type === 'symlink' && { linkName: this.#pointsTo(steps, header) }),
      ...(type === 'link' && { linkName: this.#linkedFile(header) }),
    };
  }

  /** The steps from the folder to a name in the archive. */
  #below(name: string, header: ForeignHeader): string[] {
    if (name.startsWith('/')) throw refusal(header, 'has an absolute name');
    const steps = name.split('/').filter((step) => step !== '' && step !== '.');
    if (steps.includes('..')) throw refusal(header, 'has ".." in its name');
    return steps;
  }

  #take(steps: readonly string[], type: EntryHeader['type'], header: ForeignHeader): string {
    for (let depth = 1; depth < steps.length; depth++) {
      const above = this.#taken.get(steps.slice(0, depth).join('/'));
      if (above !== undefined && above !== 'directory') throw refusal(header, 'lies below an entry that is no folder');
    }
    const place = steps.join('/');
    const before = this.#taken.get(place);
    if (steps.length === 0 || (before !== undefined && (before !== 'directory' || type !== 'directory'))) {
      throw refusal(header, 'takes the place of another entry');
    }
    this.#taken.set(place, type);
    return place;
  }

  /** Where a symlink may point: up with leading `..`, at most to the folder, then only down; or by the folder's absolute path, then only down. */
  #pointsTo(steps: readonly string[], header: ForeignHeader): Buffer {
    const target = text(header, 'linkname', 'linkpath');
    const parts = target.split('/').filter((part) => part !== '' && part !== '.');
    if (target.startsWith('/')) {
      const folder = Buffer.from(this.folder).toString('latin1').split('/');
      if (!folder.every((step, at) => parts[at] === step) || parts.includes('..'))
        throw refusal(header, 'points out of the folder');
    } else {
      const down = parts.findIndex((part) => part !== '..');
      const up = down === -1 ? parts.length : down;
      if (up > steps.length - 1 || parts.includes('..', up)) throw refusal(header, 'points out of the folder');
    }
    return Buffer.from(target, 'latin1');
  }

  /** A hard link is one to a file that came before. */
  #linkedFile(header: ForeignHeader): Buffer {
    const place = this.#below(text(header, 'linkname', 'linkpath'), header).join('/');
    if (this.#taken.get(place) !== 'file') throw refusal(header, 'is a link to what is no file of this archive');
    return this.#name(place);
  }

  #name(place: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.folder}/`), Buffer.from(place, 'latin1')]);
  }
}

function plainType(header: ForeignHeader): EntryHeader['type'] {
  const { type, pax } = header;
  if (type !== 'file' && type !== 'directory' && type !== 'symlink' && type !== 'link') {
    throw refusal(header, 'is neither a file nor a folder nor a link');
  }
  if (Object.keys(pax ?? {}).some((key) => key.startsWith('GNU.sparse')))
    throw refusal(header, 'is stored as a sparse file');
  return type;
}

function text(header: ForeignHeader, field: 'name' | 'linkname', key: 'path' | 'linkpath'): string {
  const record = header.pax?.[key];
  const value = record === undefined ? header[field] : Buffer.from(record).toString('latin1');
  if (record?.includes('\uFFFD')) throw refusal(header, 'has a name in a record that is not UTF-8');
  if (value === '' || value.includes('\0')) throw refusal(header, 'has an empty name, or one with a NUL in it');
  return value;
}

function refusal(header: ForeignHeader, what: string): SandboxError {
  const name = JSON.stringify(header.pax?.path ?? Buffer.from(header.name, 'latin1').toString());
  return new SandboxError('SANDBOX008', `The archive is refused: its entry ${name} ${what}.`);
}
