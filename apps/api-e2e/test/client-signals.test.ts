import type { Execution, Sandbox, SandboxClient } from '@ergon/sandbox-client';
import { clientOf, gather, proxyBefore, serve } from './client-server.js';
import type { Served } from './client-server.js';
import { TestServer } from './server.js';
import { until } from './until.js';

let served: Served;
let sandbox: Sandbox;
/** The same, through a proxy that passes nothing on while it holds. */
let client: SandboxClient;
let far: Sandbox;
let running: Execution;
let holds = false;
/** What came of clients. */
let asked = 0;

beforeAll(async () => {
  served = await serve();
  sandbox = await served.client.sandboxes.open(served.solutionId, { timeout: 3600, memoryLimit: '256m' });
  await sandbox.files.write('f', 'hello');
  const url = await proxyBefore(served.server.url, (near, server) => {
    near.on('data', (chunk: Buffer) => {
      asked += 1;
      if (!holds) server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => (holds ? undefined : near.write(chunk)));
    near.on('error', () => undefined).on('close', () => server.destroy());
    server.on('error', () => undefined).on('close', () => near.destroy());
  });
  client = clientOf(url);
  far = await client.sandboxes.connect(sandbox.id);
  running = far.commands.connect((await sandbox.commands.start('exec sleep 600')).executionId);
});
afterAll(() => TestServer.endAll());

type Call = (signal: AbortSignal) => Promise<unknown>;
const onData = (): void => undefined;
const command = 'echo ran';

const calls: Readonly<Record<string, Call>> = {
  'client.health': (signal) => client.health({ signal }),
  'client.providers': (signal) => client.providers({ signal }),
  'client.history': (signal) => client.history({ signal }),
  'client.events': (signal) => gather(client.events(running.executionId, { signal })),
  'wire.call': (signal) => client.wire.call('get', '/api/ergon/sandbox/active', { signal }),
  'wire.persistentCall': (signal) => client.wire.persistentCall('get', '/api/ergon/sandbox/active', { signal }),
  'wire.events': (signal) => client.wire.events(running.executionId, { signal }).next(),
  'sandboxes.open': (signal) => client.sandboxes.open(served.solutionId, { signal }),
  'sandboxes.connect': (signal) => client.sandboxes.connect(sandbox.id, { signal }),
  'sandboxes.list': (signal) => client.sandboxes.list({ signal }),
  'solutions.store': (signal) =>
    client.solutions.store({ name: 'x', version: '1', content: { code: 'x' } }, { signal }),
  'solutions.get': (signal) => client.solutions.get(served.solutionId, { signal }),
  'solutions.search': (signal) => client.solutions.search({ signal }),
  'solutions.remove': (signal) => client.solutions.remove(served.solutionId, { signal }),
  'sandbox.run': (signal) => far.run({ signal }),
  'sandbox.test': (signal) => far.test({ signal }),
  'sandbox.start': (signal) => far.start({ signal }),
  'sandbox.results': (signal) => far.results({ signal }),
  'sandbox.stop': (signal) => far.stop({ signal }),
  'sandbox.remove': (signal) => far.remove({ signal }),
  'commands.run': (signal) => far.commands.run(command, { signal }),
  'commands.run with input': (signal) => far.commands.run(command, { stdin: 'x', signal }),
  'commands.start': (signal) => far.commands.start(command, { signal }),
  'commands.start with open input': (signal) => far.commands.start(command, { stdin: true, signal }),
  'pty.create': (signal) => far.pty.create({ onData, signal }),
  'execution.events': (signal) => gather(running.events({ signal })),
  'execution.wait': (signal) => running.wait({ signal }),
  'execution.stop': (signal) => running.stop({ signal }),
  'files.list': (signal) => far.files.list('', { signal }),
  'files.stat': (signal) => far.files.stat('f', { signal }),
  'files.exists': (signal) => far.files.exists('f', { signal }),
  'files.read': (signal) => far.files.read('f', { signal }),
  'files.readText': (signal) => far.files.readText('f', { signal }),
  'files.readStream': (signal) => far.files.readStream('f', { signal }),
  'files.write': (signal) => far.files.write('g', 'x', { signal }),
  'files.makeDir': (signal) => far.files.makeDir('d', { signal }),
  'files.rename': (signal) => far.files.rename('f', 'moved', { signal }),
  'files.remove': (signal) => far.files.remove('f', { signal }),
  'files.downloadArchive': (signal) => far.files.downloadArchive('', { signal }),
  'files.uploadArchive': (signal) => far.files.uploadArchive('u', new Uint8Array(1024), { signal }),
  'output.list': (signal) => far.output().list({ signal }),
  'output.read': (signal) => far.output().read('o', { signal }),
  'output.readText': (signal) => far.output().readText('o', { signal }),
  'output.readStream': (signal) => far.output().readStream('o', { signal }),
  'output.downloadArchive': (signal) => far.output().downloadArchive('', { signal }),
};

it.each(Object.entries(calls))(
  '%s fails with the reason of its signal, before it has begun and while nobody answers',
  async (_name, call) => {
    const before = asked;
    const reason = new Error('enough');
    await expect(call(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(asked).toBe(before);

    holds = true;
    try {
      const leave = new AbortController();
      const left = expect(call(leave.signal)).rejects.toBe(reason);
      await until(() => asked > before);
      leave.abort(reason);
      await left;
    } finally {
      holds = false;
    }
  },
);

it('nothing of that has come about', async () => {
  expect(await served.client.history()).toMatchObject([{ executionId: running.executionId, status: 'running' }]);
  expect((await served.client.sandboxes.list()).map(({ sandboxId }) => sandboxId)).toEqual([sandbox.id]);
  expect((await sandbox.files.list()).entries.map(({ name }) => name)).toEqual(expect.arrayContaining(['f']));
});

it('a WebSocket that nobody answers is given up for another', async () => {
  await using other = await served.open();
  let sockets = 0;
  const url = await proxyBefore(served.server.url, (near, server) => {
    let isDeaf = false;
    near.on('data', (chunk: Buffer) => {
      if (chunk.includes('/ws/')) {
        sockets += 1;
        isDeaf = sockets === 1;
      }
      if (!isDeaf) server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => near.write(chunk));
    near.on('error', () => undefined).on('close', () => server.destroy());
    server.on('error', () => undefined).on('close', () => near.destroy());
  });
  const distant = await clientOf(url, { silenceMs: 3000 }).sandboxes.connect(other.id);
  const execution = await distant.commands.start('cat', { stdin: true });
  expect(sockets).toBeGreaterThan(1);
  await execution.stdin.write('through');
  await execution.stdin.close();
  expect(await execution.wait()).toMatchObject({ stdout: 'through' });
});
