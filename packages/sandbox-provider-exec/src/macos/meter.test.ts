import { memoryOf } from './meter.js';
import type { ProcessRow } from './ps.js';

test('of each process counts what is resident or what it owes, whichever is more', () => {
  const row = (pid: number, residentBytes: number): ProcessRow => ({
    ...{ pid, parent: 1, group: 1, uid: 501, cpuMs: 0, zombie: false, start: '', words: '' },
    residentBytes,
  });
  const rows = [row(1, 100), row(2, 100), row(3, 100)];
  // the second has most of its memory compressed, the third is not known to footprint(1)
  expect(
    memoryOf(
      rows,
      new Map([
        [1, 40],
        [2, 900],
        [9, 5000],
      ]),
    ),
  ).toBe(100 + 900 + 100);
});
