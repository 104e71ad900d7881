import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instancesOf, marked, openFiles } from './leftovers.js';
import { registry, sandbox, TestServer } from './server.js';
import { execute, follow, linesOf } from './sse.js';
import { until } from './until.js';

afterEach(() => TestServer.endAll());

const endless = `echo begun; ${marked} & ${marked}`;

test.each<NodeJS.Signals>(['SIGTERM', 'SIGINT', 'SIGHUP'])(
  '%s ends runs, tells their readers, and leaves nothing',
  async (signal) => {
    const server = await TestServer.start();
    const running = await server.openShell(endless, { environment: { DATA_DIR: server.dataDir } });
    const idle = await server.openShell('true');
    let seen = 0;
    const reader = execute(server, running, {}, { onMessage: () => (seen += 1) });
    await until(() => seen === 1);
    const second = follow(server, running, { onMessage: () => (seen += 1) });
    await until(() => seen === 2);
    instancesOf(server.dataDir);
    const sleeper = /^process \d+: sh -c sleep 600; : \//;
    await until(() => server.leftovers().filter((what) => sleeper.test(what)).length === 2);
    expect(server.leftovers()).toContainEqual(expect.stringMatching(/^folder sandboxes\//));

    expect(await server.stop(signal)).toBe(0);
    for (const { messages } of await Promise.all([reader, second])) {
      expect(linesOf(messages)).toContain('[stdout] begun');
      expect(messages.at(-1)?.data).toEqual({ done: true, status: 'stopped', exit_code: null });
    }
    expect(server.leftovers()).toEqual([]);
    expect(server.errors).toBe('');

    const next = await TestServer.start({ dataDir: server.dataDir });
    expect(await next.ok('GET', sandbox(`/results/${running}`))).toMatchObject({
      status: 'stopped',
      exit_code: null,
      stdout: 'begun\n',
    });
    expect(await next.ok('GET', sandbox(`/results/${idle}`))).toMatchObject({ status: 'cleaned' });
    expect(next.log.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
  },
);

test('further signals do not break the shutdown off', async () => {
  const server = await TestServer.start();
  const id = await server.openShell('trap "" TERM; echo begun; sleep 600');
  let begun = false;
  const reader = execute(server, id, {}, { onMessage: () => (begun = true) });
  await until(() => begun);
  instancesOf(server.dataDir);
  server.process.kill('SIGTERM');
  await until(() => server.log.some(({ message }) => message === 'Shutting down'));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) server.process.kill(signal);
  expect(await server.stop('SIGTERM')).toBe(0);
  expect((await reader).messages.at(-1)?.data).toMatchObject({ done: true, status: 'stopped' });
  expect(server.leftovers()).toEqual([]);
});

test('a reader that reads nothing does not hold the shutdown up', async () => {
  const server = await TestServer.start();
  const id = await server.openShell('yes "a line that fills the buffers of the connection"', { output_limit: '32m' });
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(`GET ${sandbox('/execute')}?sandbox_id=${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  // Nobody reads from it: the buffers of both sides fill.
  let seen = 0;
  const other = await follow(server, id, { leaveAfter: 150_000, onMessage: () => (seen += 1) });
  expect([other.status, seen]).toEqual([200, 150_000]);
  const begun = performance.now();
  expect(await server.stop()).toBe(0);
  expect(performance.now() - begun).toBeLessThan(15_000);
  socket.destroy();
  expect(server.leftovers()).toEqual([]);
});

test.each([
  ['a file', '/file'],
  ['a zip', '?archive=zip'],
])('an upload of %s that stands still does not hold the shutdown up', async (_what, place) => {
  const server = await TestServer.start();
  const id = await server.openShell('true');
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => undefined);
  const path = sandbox(`/${id}/files${place}`);
  socket.write(`PUT ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nbegun`);
  const begun = async (): Promise<boolean> => {
    const { entries } = (await server.ok('GET', sandbox(`/${id}/files`))) as unknown as { entries: unknown[] };
    return entries.length > 1 || openFiles(server.process.pid).some((file) => file.includes('/upload-'));
  };
  await until(begun, 30_000);
  expect(await server.stop()).toBe(0);
  socket.destroy();
  expect(server.leftovers()).toEqual([]);
});

test('a signal during the start ends it in order', async () => {
  const server = TestServer.launch();
  await until(() => instancesOf(server.dataDir).length > 0 || server.ended);
  expect(await server.stop('SIGTERM')).toBe(0);
  expect(server.leftovers()).toEqual([]);
});

test('a data folder and a port serve one server at a time; the sentence says so', async () => {
  const server = await TestServer.start();
  const sameFolder = TestServer.launch({ dataDir: server.dataDir });
  await until(() => sameFolder.ended);
  expect([sameFolder.process.exitCode, sameFolder.errors]).toEqual([
    1,
    expect.stringMatching(/in use by another server.*SANDBOX001/),
  ]);
  const samePort = TestServer.launch({ env: { ERGON_SANDBOX_PORT: new URL(server.url).port } });
  await until(() => samePort.ended);
  expect([samePort.process.exitCode, samePort.errors]).toEqual([
    1,
    expect.stringMatching(/^ERGON_SANDBOX_PORT: .*another program listens there.*SANDBOX001/),
  ]);
  expect(samePort.leftovers()).toEqual([]);
  expect((await server.ok('GET', sandbox('/health'))).status).toBe('healthy');
});

test.each<[string, Record<string, string>, string[], RegExp]>([
  [
    'a provider that is not there',
    { ERGON_SANDBOX_PREFER: 'nobody' },
    [],
    /^ERGON_SANDBOX_PREFER: there is no provider "nobody"/,
  ],
  [
    'options of a provider that is not there',
    { ERGON_SANDBOX_PROVIDER_OPTIONS: '{"x":{}}' },
    [],
    /^ERGON_SANDBOX_PROVIDER_OPTIONS: .*"x"/,
  ],
  [
    'options that the provider refuses',
    { ERGON_SANDBOX_PROVIDER_OPTIONS: '{"sandbox-exec":{"x":1}}' },
    [],
    /sandbox-exec/,
  ],
  ['examples that are not there', {}, ['--examples', '/no/such/folder'], /\/no\/such\/folder/],
  ['an unknown option', {}, ['--port', '1'], /--port/],
  ['a bad value', { ERGON_SANDBOX_PORT: 'many' }, [], /^ERGON_SANDBOX_PORT: must be a whole number/],
])('%s stops the start with a sentence, and with status 78', async (_case, env, args, sentence) => {
  const server = TestServer.launch({ env, args });
  await until(() => server.ended);
  expect(server.process.exitCode).toBe(78);
  expect(server.errors).toMatch(sentence);
  expect(server.errors.trim().split('\n')).toHaveLength(1);
});

test.each([join(__filename, 'below-a-file'), '/proc/below-proc/deeper', __filename])(
  'a data folder that cannot be made stops the start: %s',
  async (folder) => {
    const server = TestServer.launch({ env: { ERGON_SANDBOX_DATA_DIR: folder } });
    await until(() => server.ended);
    expect(server.process.exitCode).toBe(78);
    expect(server.errors).toMatch(/^ERGON_SANDBOX_DATA_DIR: the folder cannot be made: /);
    expect(server.errors).toContain(folder.replace('/deeper', ''));
    expect(server.errors.trim().split('\n')).toHaveLength(1);
  },
);

test('a data folder whose parents are not there is made, for its owner only', async () => {
  const parent = mkdtempSync(join(tmpdir(), 'ergon-parents-'));
  try {
    const folder = join(parent, 'a/b/data');
    const server = await TestServer.start({ env: { ERGON_SANDBOX_DATA_DIR: folder } });
    expect(await server.stop()).toBe(0);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  } finally {
    rmSync(parent, { recursive: true });
  }
});

test.each([
  ['an error that nobody caught', 'setImmediate(() => { throw new Error("boom"); })'],
  ['a rejection that nobody handled', 'void Promise.reject(new Error("boom"))'],
])('%s is logged, and ends the server in order with status 1', async (_case, fault) => {
  const provoke = `data:text/javascript,process.on('SIGUSR2',()=>{${fault}})`;
  const server = await TestServer.start({ args: [], env: { NODE_OPTIONS: `--import=${encodeURI(provoke)}` } });
  const id = await server.openShell(endless, { environment: { DATA_DIR: server.dataDir } });
  const reader = execute(server, id);
  await until(async () => (await server.ok('GET', sandbox(`/results/${id}`))).stdout === 'begun\n');
  instancesOf(server.dataDir);
  expect(await server.stop('SIGUSR2')).toBe(1);
  expect((await reader).messages.at(-1)?.data).toMatchObject({ done: true, status: 'stopped' });
  expect(server.log.filter(({ level }) => level === 'error')).toMatchObject([
    { message: 'The server failed and ends', error: expect.stringContaining('boom') as string },
  ]);
  expect(server.log.at(-1)?.message).toBe('Stopped');
  expect(server.leftovers()).toEqual([]);
});

test('the example solutions are there after the start, and complete', async () => {
  const server = await TestServer.start({ args: ['--examples', join(__dirname, '../../../examples/solutions')] });
  const { results } = await server.ok('GET', registry('/search?type=solution'));
  expect(results.map(({ id }) => id)).toEqual(expect.arrayContaining(['hello-python', 'node-maze', 'shell-planets']));
  const { sandbox_id: id } = await server.ok('POST', sandbox('/test'), { solution_id: 'word-count' });
  const { messages } = await execute(server, id);
  expect(messages.at(-1)?.data).toEqual({ done: true, status: 'completed', exit_code: 0 });
});
