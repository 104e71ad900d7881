import { runCommand } from '../posix/command.js';
import { parseFootprints, parsePs, parseTime } from './ps.js';

/**
 * The columns and forms of ps(1) of macOS: lstart as strftime(3) `%c`, time as `mm:ss.cc`, the environment after the command, none for the
 * system's own programs. Written after its manual and published samples; it was not recorded on a Mac.
 */
const FROM_MANUAL = [
  '    1     0     1     0   9232   3:56.38 Ss   Thu Feb  6 12:00:00 2026 /sbin/launchd',
  '  501     1   501   501 458752  61:02.50 R+   Thu Feb  6 14:30:00 2026 /opt/homebrew/bin/node main.js HOME=/Users/me ERGON_SANDBOX_MARK=abc',
  '  502   501   501   501      0   0:00.00 Z+   Fri Mar 13 04:05:06 2026 <defunct>',
  '  503   501   503   501   1984 1-02:03:04.07 S  Thu Feb  6 14:31:00 2026 /bin/bash -c echo \\012  1  2  3',
  '',
].join('\n');

test('the table of processes', () => {
  const rows = parsePs(FROM_MANUAL);
  expect(rows.map(({ pid, parent, group, uid }) => [pid, parent, group, uid])).toEqual([
    [1, 0, 1, 0],
    [501, 1, 501, 501],
    [502, 501, 501, 501],
    [503, 501, 503, 501],
  ]);
  expect(rows[1]).toMatchObject({
    residentBytes: 448 << 20,
    cpuMs: 3_662_500,
    zombie: false,
    start: 'Thu Feb 6 14:30:00 2026',
    words: '/opt/homebrew/bin/node main.js HOME=/Users/me ERGON_SANDBOX_MARK=abc',
  });
  expect(rows.map(({ zombie }) => zombie)).toEqual([false, false, true, false]);
});

test('of this very machine, as its ps prints the same columns', async () => {
  const columns = 'pid=,ppid=,pgid=,uid=,rss=,time=,stat=,lstart=,args=';
  const rows = parsePs((await runCommand('/bin/ps', ['axwwe', '-o', columns])).stdout);
  const [me] = rows.filter(({ pid }) => pid === process.pid);
  expect(me).toMatchObject({ parent: process.ppid, uid: process.getuid?.(), zombie: false });
  expect(me?.residentBytes).toBeGreaterThan(10 << 20);
  expect(me?.words).toContain('jest');
});

test.each([
  ['a row that a program made up', `${FROM_MANUAL}  501   1   501   501  1  0:00.00 S  Thu Feb  6 14:30:00 2026 x\n`],
  ['half a row', '  501     1   501\n'],
  ['a message', 'ps: illegal option -- E\n'],
])('%s is no table: nobody is ended by it', (_what, output) => {
  expect(() => parsePs(output)).toThrow('ps printed something else than processes');
});

test.each([
  ['0:00.05', 50],
  ['12:34.56', 754_560],
  ['123:00.00', 7_380_000],
  ['01:02:03', 3_723_000],
  ['2-00:00:01', 172_801_000],
])('a time of %s is %i ms', (text, ms) => {
  expect(parseTime(text)).toBe(ms);
});

test('footprints, in the form that footprint(1) is published to print', () => {
  const line = '='.repeat(70);
  const output = [
    line,
    'Python [103]: 64-bit    Footprint: 253904480 B (16384 bytes per page)',
    line,
    '',
    'Auxiliary data:',
    '    phys_footprint: 253937248 B',
    '    phys_footprint_peak: 333989448 B',
    '',
    line,
    'a [7]: b [104]: 64-bit    Footprint: 2244968 B (16384 bytes per page)',
    line,
    '',
  ].join('\n');
  expect(parseFootprints(output)).toEqual(
    new Map([
      [103, 253_904_480],
      [104, 2_244_968],
    ]),
  );
  expect(parseFootprints('footprint: unable to find process 5\n')).toEqual(new Map());
});
