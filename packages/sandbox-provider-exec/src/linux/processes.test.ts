import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { isAlive, parseStat, processStart, processTree } from './processes.js';

test('a name with parentheses and spaces does not confuse the fields', () => {
  const rest = 'R 77 5 5 0 -1 4194560 263 0 0 0 11 22 33 44 20 0 6 0 405048 3457024 505';
  expect(parseStat(`1234 (a) R (b) ${rest}`)).toEqual({
    pid: 1234,
    state: 'R',
    parent: 77,
    ticks: 110,
    threads: 6,
    start: 405048,
  });
});

test('a tree holds the process and all below it, and none when it is gone', async () => {
  const child = spawn('/bin/sh', ['-c', 'sleep 50 & sleep 50 & echo up; wait'], { detached: true });
  await once(child.stdout, 'data');
  const pid = child.pid ?? 0;
  expect(processTree(pid)).toHaveLength(3);
  const start = processStart(pid) ?? 0;
  expect(isAlive(pid, start)).toBe(true);
  expect(isAlive(pid, start + 1)).toBe(false);
  const exited = once(child, 'exit');
  process.kill(-pid, 'SIGKILL');
  await exited;
  expect(isAlive(pid, start)).toBe(false);
  expect(processTree(pid)).toEqual([]);
});
