import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { askHelper } from './helper.js';

const folder = mkdtempSync(join(tmpdir(), 'ergon-helper-'));
afterAll(() => rmSync(folder, { recursive: true }));
const environment = { PATH: `${folder}:${process.env.PATH ?? ''}` };

function helper(script: string): void {
  writeFileSync(join(folder, 'docker-credential-some'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
const ask = (signal = new AbortController().signal, ms?: number): ReturnType<typeof askHelper> =>
  askHelper('some', 'registry.example', environment, signal, ms);

const isAlive = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

test('it is told the server on stdin, and a token is known by its user', async () => {
  helper('read -r server; echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"for $server by $1\\"}"');
  expect(await ask()).toEqual({ identitytoken: 'for registry.example by get' });
});

test.each([
  ['its time', (): [AbortSignal, number?] => [new AbortController().signal, 300], { message: expect.stringContaining('gave no answer within 0.3 s') as string }],
  ['its signal', (): [AbortSignal, number?] => [AbortSignal.timeout(300)], { name: 'TimeoutError' }],
])('one that hangs is ended by %s, with all that it started', async (_, how, failure) => {
  const pids = join(folder, 'pids');
  helper(`sleep 1000 & echo $! $$ > ${pids}; wait`);
  await expect(ask(...how())).rejects.toMatchObject(failure);
  const started = readFileSync(pids, 'utf8').trim().split(' ').map(Number);
  expect(started).toHaveLength(2);
  const deadline = performance.now() + 30_000;
  while (started.some(isAlive) && performance.now() < deadline) await delay(5);
  expect(started.filter(isAlive)).toEqual([]);
});

test('one that writes without end is ended', async () => {
  helper('exec yes');
  await expect(ask()).rejects.toMatchObject({ code: 'SANDBOX001', message: expect.stringContaining('failed') as string });
});

test.each(['../some', 'a b', ''])('%j is no name of one', async (name) => {
  await expect(askHelper(name, 'x', environment, new AbortController().signal)).rejects.toMatchObject({
    code: 'SANDBOX001',
  });
});
