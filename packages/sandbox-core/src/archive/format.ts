/** What the first bytes of each kind of archive are: RFC 1952, bzip2(1), xz(1), RFC 8878, APPNOTE.TXT. */
const starts = [
  ['gzip', '1f8b'],
  ['bzip2', '425a68'],
  ['xz', 'fd377a585a00'],
  ['zstd', '28b52ffd'],
  ['zip', '504b0304'],
  ['zip', '504b0506'],
] as const;

/**
 * What something is that is not the archive that it was given for, as a sentence of what to do, by its first 512 bytes. Null: nothing that
 * is known.
 */
export function otherArchive(start: Uint8Array, wanted: 'tar' | 'zip'): string | null {
  const bytes = Buffer.from(start);
  const found = bytes.toString('latin1', 257, 262) === 'ustar' ? 'tar' : formatOf(bytes.toString('hex', 0, 6));
  if (found === null || found === wanted) return null;
  if (found === 'tar' || found === 'zip')
    return `The archive is a ${found}, not a ${wanted}; say so, or send a ${wanted}.`;
  return `The archive is compressed (${found}); send a plain ${wanted}.`;
}

function formatOf(start: string): (typeof starts)[number][0] | null {
  return starts.find(([, bytes]) => start.startsWith(bytes))?.[0] ?? null;
}
