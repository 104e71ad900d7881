/** How far two marks in the file are apart, in bytes. */
const markEveryBytes = 256 * 1024;

/** A block at which a reader can begin: no line is pending there. */
export interface Mark {
  readonly offset: number;
  readonly seq: number;
}

/** Marks a block if it can be a beginning and the last mark is far enough back. */
export function markBlock(marks: Mark[], offset: number, seq: number, betweenLines: boolean): void {
  const last = marks.at(-1);
  if (betweenLines && (last === undefined || offset - last.offset >= markEveryBytes)) marks.push({ offset, seq });
}

/** Where a reader begins who knows all up to the number `after`. Undefined: nothing is there. */
export function startFor(marks: readonly Mark[], after: number): number | undefined {
  let low = 0;
  let high = marks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((marks[middle]?.seq ?? 0) <= after + 1) low = middle + 1;
    else high = middle;
  }
  return marks[Math.max(low - 1, 0)]?.offset;
}
