import { Family, MARK } from './family.js';
import type { ProcessRow } from './ps.js';

const mark = 'f'.repeat(32);

function row(pid: number, parent: number, more: Partial<ProcessRow> = {}): ProcessRow {
  return {
    pid,
    parent,
    group: pid,
    uid: 501,
    residentBytes: 1,
    cpuMs: 10,
    zombie: false,
    start: `at ${pid}`,
    words: 'x',
    ...more,
  };
}
const launchd = row(1, 0);
const first = row(100, 50);
const family = (): Family => new Family({ pid: 100, start: 'at 100' }, mark);
const pids = (rows: readonly ProcessRow[]): number[] => rows.map(({ pid }) => pid).sort((a, b) => a - b);

test('has the first process and all below it, in whatever order they are listed', () => {
  expect(pids(family().find([row(103, 102), row(102, 100), launchd, first, row(9, 50)]))).toEqual([100, 102, 103]);
});

test('keeps a process that lost its parent, and finds what that starts', () => {
  const known = family();
  known.find([first, row(102, 100)]);
  expect(pids(known.find([launchd, row(102, 1), row(103, 102)]))).toEqual([102, 103]);
});

test('finds who lost its parent before it was seen: by the group, or by the mark', () => {
  expect(pids(family().find([launchd, row(102, 1, { group: 100 })]))).toEqual([102]);
  expect(pids(family().find([launchd, row(102, 1, { words: `node a.js ${MARK}=${mark} LANG=C` })]))).toEqual([102]);
});

test('no mark but its own is one', () => {
  for (const words of [`${MARK}=${mark}0`, `${MARK}=${'e'.repeat(32)}`, `X${MARK}=${mark}`, mark]) {
    expect(family().find([launchd, row(102, 1, { words })])).toEqual([]);
  }
});

test('a pid that was given to somebody else is nobody of ours, nor is its group', () => {
  const known = family();
  known.find([first, row(102, 100)]);
  const later = [
    launchd,
    row(100, 1, { start: 'later' }),
    row(101, 100, { group: 100 }),
    row(102, 1, { start: 'later' }),
  ];
  expect(known.find(later)).toEqual([]);
});

test('the dead are not among the living, but their children are', () => {
  expect(pids(family().find([row(100, 50, { zombie: true }), row(102, 100)]))).toEqual([102]);
});

test('adds up the time of all that were seen, each at its most', () => {
  const known = family();
  known.find([row(100, 50, { cpuMs: 30 }), row(102, 100, { cpuMs: 500 })]);
  known.find([row(100, 50, { cpuMs: 70 })]);
  expect(known.cpuTimeMs).toBe(570);
});
