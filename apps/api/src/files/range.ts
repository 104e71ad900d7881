/** A part of a file: from `offset`, `length` bytes. */
export interface Range {
  readonly offset: number;
  readonly length: number;
}

/**
 * What a `Range` header asks of a file of this size (RFC 9110, 14.2). Null: all of it; so also for several ranges and for what is no range,
 * which a server may pass over. `unsatisfiable`: it begins behind the end.
 */
export function parseRange(header: string | undefined, size: number): Range | 'unsatisfiable' | null {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.replaceAll(' ', '') ?? '') ?? [];
  if (from === '' && to === '') return null;
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'unsatisfiable' : { offset: size - length, length };
  }
  const offset = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < offset) return null; // no range at all
  return offset >= size ? 'unsatisfiable' : { offset, length: last - offset + 1 };
}
