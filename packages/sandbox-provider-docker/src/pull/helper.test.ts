import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askHelper } from './helper.js';
import { until } from '../../test/support/until.js';

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

/** It and what it starts, once they run. */
async function pidsOf(file: string): Promise<number[]> {
  await until('it runs', () => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  return readFileSync(file, 'utf8').trim().split(' ').map(Number);
}

test('one that hangs is ended by its signal, with all that it started', async () => {
  const file = join(folder, 'signal');
  helper(`sleep 1000 & echo $! $$ > ${file}; wait`);
  const abort = new AbortController();
  const answer = expect(ask(abort.signal)).rejects.toThrow('not wanted');
  const started = await pidsOf(file);
  expect(started.filter(isAlive)).toHaveLength(2);
  abort.abort(new Error('not wanted'));
  await answer;
  await until('all are gone', () => !started.some(isAlive));
});

test('one that hangs is ended by its time, with all that it started', async () => {
  const file = join(folder, 'time');
  helper(`sleep 1000 & echo $! $$ > ${file}; wait`);
  await expect(ask(undefined, 3000)).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: expect.stringContaining('gave no answer within 3 s') as string,
  });
  const started = await pidsOf(file);
  await until('all are gone', () => !started.some(isAlive));
});

test('one that writes without end is ended', async () => {
  helper('exec yes');
  await expect(ask()).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: expect.stringContaining('failed') as string,
  });
});

test.each(['../some', 'a b', ''])('%j is no name of one', async (name) => {
  await expect(askHelper(name, 'x', environment, new AbortController().signal)).rejects.toMatchObject({
    code: 'SANDBOX001',
  });
});
