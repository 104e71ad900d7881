import { paintFor, plain } from './words.js';

/** Rows in columns, with a head. Every cell is made fit for a terminal. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(plain));
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [paintFor(process.stdout)('bold', line(head)), ...cells.map(line)].map((text) => `${text}\n`).join('');
}
