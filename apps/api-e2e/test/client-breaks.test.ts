import { SandboxClient } from '@ergon/sandbox-client';
import type { SandboxEvent } from '@ergon/sandbox-client';
import { clientOf, gather, proxyBefore, serve, store } from './client-server.js';
import type { Served } from './client-server.js';
import { TestServer } from './server.js';
import { until } from './until.js';

let served: Served;
beforeAll(async () => {
  served = await serve();
});
afterAll(() => TestServer.endAll());

it('through a proxy that cuts every connection, a reader and a terminal get all that there is, once and in order', async () => {
  const { client, server, open } = served;
  await using sandbox = await open();
  let cuts = 0;
  const url = await proxyBefore(server.url, (near, far) => {
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    let left = 1500 + Math.floor(Math.random() * 10_000);
    far.on('data', (chunk: Buffer) => {
      near.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      cuts += 1;
      near.end(() => end());
      far.destroy();
    });
    near.on('data', (chunk: Buffer) => {
      if (chunk.includes('/ws/')) left = Math.min(left, 3000); // less than what the terminal shows
      far.write(chunk);
    });
    for (const socket of [near, far]) socket.on('error', end).on('close', () => (left > 0 ? end() : undefined));
  });
  const far = await clientOf(url).sandboxes.connect(sandbox.id);
  const script = 'i=0; while [ $i -lt 400 ]; do echo "line $i"; i=$((i+1)); done';
  const execution = await far.commands.start(script);
  const seen = await gather(execution.events());
  expect(seen).toEqual(await gather(client.events(execution.executionId)));
  const lines = seen.flatMap((event) => (event.type === 'stdout' ? [event.line] : []));
  expect(lines).toEqual(Array.from({ length: 400 }, (_, number) => `line ${number}`));
  expect(cuts).toBeGreaterThan(2); // more than 40 kB in connections of less than 12 kB

  const before = cuts;
  let screen = '';
  const onData = (bytes: Uint8Array): void => void (screen += Buffer.from(bytes).toString());
  await (await far.pty.create({ command: script.replace('i=$((', 'sleep 0.005; i=$(('), onData })).wait();
  expect(screen).toBe(Array.from({ length: 400 }, (_, number) => `line ${number}\r\n`).join(''));
  expect(cuts).toBeGreaterThan(before);
});

/**
 * Keeps back all that the server says on a connection, its end too, once so many bytes of it have passed: asked at each request, with the number
 * of the connection.
 */
async function deafProxy(target: string, bytesAfter: (request: string, connection: number) => number): Promise<string> {
  let connections = 0;
  return proxyBefore(target, (near, far) => {
    connections += 1;
    const connection = connections;
    let left = Infinity;
    near.on('data', (chunk: Buffer) => {
      left = Math.min(left, bytesAfter(chunk.toString(), connection));
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left >= 0) near.write(chunk);
    });
    near.on('close', () => far.destroy()).on('error', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => (left === Infinity ? near.destroy() : undefined));
  });
}

const isStart = (request: string): boolean => request.startsWith('POST /api/ergon/sandbox/execute');

it('a connection on which nothing comes any more, though it is there, is given up for another', async () => {
  const { server, open } = served;
  await using sandbox = await open();
  let connections = 0;
  const url = await deafProxy(server.url, (_request, connection) => {
    connections = Math.max(connections, connection);
    return connection <= 2 ? 3000 : Infinity;
  });
  const execution = await sandbox.commands.start('i=0; while [ $i -lt 300 ]; do echo "line $i"; i=$((i+1)); done');
  await execution.wait();
  const far = clientOf(url, { silenceMs: 1000 });
  expect(await gather(far.events(execution.executionId))).toEqual(await gather(execution.events()));
  expect(connections).toBeGreaterThan(2);
});

it('a start that nobody answers is sent again over another connection, and starts nothing twice', async () => {
  const { server, open } = served;
  await using sandbox = await open();
  let starts = 0;
  const url = await deafProxy(server.url, (request) => {
    if (isStart(request)) starts += 1;
    return isStart(request) && starts === 1 ? 0 : Infinity;
  });
  const far = await clientOf(url, { silenceMs: 1000 }).sandboxes.connect(sandbox.id);
  expect(await far.commands.run('echo once >> log; cat log')).toMatchObject({ stdout: 'once\n' });
  expect(starts).toBeGreaterThan(1);
});

it('a start that nobody answers is left by its signal, and what runs by it is stopped', async () => {
  const { client, server, open } = served;
  await using sandbox = await open();
  const url = await deafProxy(server.url, (request) => (isStart(request) ? 0 : Infinity));
  const far = await clientOf(url).sandboxes.connect(sandbox.id);
  const leave = new AbortController();
  const left = far.commands.run('exec sleep 600', { signal: leave.signal });
  await until(async () => (await client.sandboxes.list())[0]?.status === 'running');
  leave.abort(new Error('enough'));
  await expect(left).rejects.toThrow('enough');
  await until(async () => (await sandbox.results()).status === 'stopped');
  await expect(far.commands.run('true', { signal: leave.signal })).rejects.toThrow('enough');
});

it('a reader survives kill -9 of the server, and gets the truthful end from the next one', async () => {
  const first = await TestServer.start();
  const { port } = new URL(first.url);
  const near = new SandboxClient({ baseUrl: first.url });
  const sandbox = await near.sandboxes.open(await store(near));
  const execution = await sandbox.commands.start('echo before; exec sleep 60');
  const seen: SandboxEvent[] = [];
  const reading = (async () => {
    for await (const event of execution.events()) seen.push(event);
  })();
  const waiting = execution.wait();
  await until(() => seen.some(({ type }) => type === 'stdout'));
  await first.stop('SIGKILL');
  await TestServer.start({ dataDir: first.dataDir, env: { ERGON_SANDBOX_PORT: port } });
  await reading;
  expect(seen.at(-1)).toMatchObject({ type: 'end', status: 'failed', cause: 'lost', exitCode: null });
  expect(seen.filter(({ type }) => type === 'stdout')).toMatchObject([{ line: 'before' }]);
  expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
  expect(await waiting).toMatchObject({ cause: 'lost', exitCode: null, stdout: 'before\n' });
});
