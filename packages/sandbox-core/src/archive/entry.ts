/** One entry of an archive: a regular file or a folder. */
export interface ArchiveEntry {
  /** Relative, as {@link archivePath} gives it, e.g. `a/b.txt`. */
  readonly path: string;
  readonly type: 'file' | 'folder';
  /** Of a file, in bytes; 0 of a folder. */
  readonly bytes: number;
  /** Permission bits, e.g. `0o644`. */
  readonly mode: number;
  /** Of its last change, ms since 1970-01-01 UTC. */
  readonly modifiedMs: number;
  /** Exactly `bytes` bytes. */
  readonly content: AsyncIterable<Uint8Array>;
}

const maxPathBytes = 3072;
const maxSegmentBytes = 255; // NAME_MAX

/**
 * A name that an archive gives, as a relative path that can be put below a folder of any sandbox; a leading `./` and a folder's last `/` go.
 * Null: it is absolute, has an empty segment, `.` or `..`, NUL, a backslash, a segment over 255 or a whole of over 3,072 bytes, or is no
 * well-formed text. The empty text stands for the archive's own folder.
 */
export function archivePath(name: string): string | null {
  const path = name.replace(/^(?:\.\/+)+/, '').replace(/\/$/, '');
  if (path === '' || path === '.') return name.startsWith('.') ? '' : null;
  if (/[\0\\]|\p{Surrogate}/u.test(path) || Buffer.byteLength(path) > maxPathBytes) return null;
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.' || segment === '..') return null;
    if (Buffer.byteLength(segment) > maxSegmentBytes) return null;
  }
  return path;
}

/** What fills content up to a whole block. */
export function padding(bytes: number): number {
  return (blockBytes - (bytes % blockBytes)) % blockBytes;
}

export const blockBytes = 512;
