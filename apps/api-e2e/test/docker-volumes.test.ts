import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Engine } from './engine.js';
import { registry, sandbox, TestServer } from './server.js';
import type { Body, ServerOptions } from './server.js';
import { until } from './until.js';

const engine = Engine.given();
const cli = join(__dirname, '../../../packages/sandbox-cli/bin/ergon-sandbox.mjs');
const MiB = 1 << 20;
const options: ServerOptions = {
  env: { ERGON_SANDBOX_PROVIDER_OPTIONS: JSON.stringify({ docker: { volumes: { maxBytes: 8 * MiB } } }) },
};

jest.setTimeout(240_000);

let server: TestServer;
beforeAll(async () => {
  server = await engine.server(options);
  await store('notes', { requires_persistence: true });
  await store('other', { volumes: ['data', 'cache'] });
});
afterAll(() => TestServer.endAll());

/** A solution without anything to run of its own. */
async function store(id: string, content: object, on = server): Promise<void> {
  const unit = {
    id,
    type: 'solution',
    name: id,
    version: '1',
    content: { code: 'true', main_file: 'main.sh', ...content },
  };
  await on.ok('POST', registry('/store'), unit);
}

const open = async (id: string, on = server, more: object = {}): Promise<string> =>
  (await on.ok('POST', sandbox('/test'), { solution_id: id, ...more })).sandbox_id;

/** Runs a script in a sandbox that is there. */
async function runIn(sandboxId: string, script: string, on = server): Promise<Body> {
  const stream = await on.fetch(sandbox('/execute'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sandbox_id: sandboxId, command: ['sh', '-c', script] }),
  });
  await stream.text();
  return on.ok('GET', sandbox(`/results/${sandboxId}?wait=60`));
}

/** Runs a script in a sandbox of its own. */
async function run(id: string, script: string, on = server, more: object = {}): Promise<Body> {
  const sandboxId = await open(id, on, more);
  const result = await runIn(sandboxId, script, on);
  await on.ok('DELETE', sandbox(`/${sandboxId}`));
  return result;
}

async function volumes(on = server, query = ''): Promise<readonly Body[]> {
  return on.list(sandbox(`/volumes${query}`));
}

async function named(on = server): Promise<string[]> {
  const rows = (await volumes(on)) as readonly (Body & { solution_id: string; name: string })[];
  return rows.map(({ solution_id, name }) => `${solution_id} ${name}`);
}

async function removeAll(on: TestServer): Promise<void> {
  for (const each of await named(on)) await on.ok('DELETE', sandbox(`/volumes/${each.replace(' ', '/')}`));
}

afterEach(async () => {
  await server.ok('POST', sandbox('/cleanup-all'));
  await removeAll(server);
  expect(await engine.leftovers(server.dataDir)).toEqual([]);
});

test('what a solution keeps outlives its sandbox and a restart of the server; another has its own', async () => {
  await run('notes', 'echo of notes > /volumes/data/f');
  expect((await run('other', 'ls -A /volumes /volumes/data')).stdout).toBe(
    '/volumes:\ncache\ndata\n\n/volumes/data:\n',
  );
  expect(await server.stop()).toBe(0);
  server = await engine.server({ ...options, dataDir: server.dataDir });
  expect((await run('notes', 'cat /volumes/data/f')).stdout).toBe('of notes\n');
  expect(await named()).toEqual(['notes data', 'other cache', 'other data']);
  expect(await volumes(server, '?solution_id=notes')).toEqual([
    {
      solution_id: 'notes',
      name: 'data',
      provider: 'docker',
      size: expect.any(Number) as number,
      limit: 8 * MiB,
      created: expect.any(String) as string,
      in_use: false,
    },
  ]);
});

test('kill -9 of the server leaves nothing but its volumes, and the next start has what was in them', async () => {
  const id = await open('notes');
  await runIn(id, 'echo kept > /volumes/data/f');
  await open('other');
  void runIn(id, 'exec sleep 600').catch(() => undefined); // the server dies under it
  await until(async () => (await server.ok('GET', sandbox(`/results/${id}`))).status === 'running', 60_000);
  expect(await server.stop('SIGKILL')).toBe('SIGKILL');
  server = await engine.server({ ...options, dataDir: server.dataDir });
  await until(async () => (await engine.leftovers(server.dataDir)).length === 0, 60_000);
  expect(await named()).toContain('notes data');
  expect((await run('notes', 'cat /volumes/data/f')).stdout).toBe('kept\n');
});

test('two servers on one engine, with solutions of the same id, share nothing', async () => {
  const second = await engine.server(options);
  await store('notes', { requires_persistence: true }, second);
  await run('notes', 'echo of the first > /volumes/data/f');
  expect((await run('notes', 'ls -A /volumes/data; echo of the second > /volumes/data/f', second)).stdout).toBe('');
  expect(await named(second)).toEqual(['notes data']);
  await removeAll(second);
  expect(await second.stop()).toBe(0);
  expect((await run('notes', 'cat /volumes/data/f')).stdout).toBe('of the first\n');
});

test('a volume that a sandbox has is not removed, and one that is not there is not known; a solution that is deleted leaves its own, and says so', async () => {
  await store('gone', { requires_persistence: true });
  const id = await open('gone', server, { volumes: ['more'] });
  await runIn(id, 'echo x > /volumes/more/f');
  const refused = await server.call('DELETE', sandbox('/volumes/gone/more'));
  expect(refused).toMatchObject({ status: 409, body: { code: 'SANDBOX007', field: 'name' } });
  expect(await volumes(server, '?solution_id=gone')).toMatchObject([
    { name: 'data', in_use: true },
    { name: 'more', in_use: true },
  ]);
  await server.ok('DELETE', sandbox(`/${id}`));
  expect(await server.ok('DELETE', registry('/gone'))).toMatchObject({
    message: 'Deleted gone; its volumes stay until they are removed: data, more',
  });
  await server.ok('DELETE', sandbox('/volumes/gone/more'));
  expect(await server.call('DELETE', sandbox('/volumes/gone/more'))).toMatchObject({
    status: 404,
    body: { code: 'SANDBOX012', detail: 'The solution "gone" has no volume "more".' },
  });
  expect(await named()).toEqual(['gone data']);
});

test('a run that fills its volume is told which, and what it may hold', async () => {
  const result = await run('notes', 'dd if=/dev/zero of=/volumes/data/x bs=1M count=40; exec sleep 100');
  expect(result).toMatchObject({ status: 'failed', cause: 'limit' });
  const { errors } = result as Body & { errors: readonly string[] };
  expect(errors.join()).toMatch(/disk limit of 8 MiB was hit \(volume "data" holds \d+ bytes in \d+ files, counted\)/);
});

test.each([
  ['POST', '/test', { solution_id: 'notes', volumes: ['../x'] }, 'volumes.0: must be the name of a volume'],
  ['POST', '/test', { solution_id: 'notes', volumes: ['a', 'a'] }, 'volumes: must not name a volume twice'],
  ['POST', '/test', { solution_id: 'notes', provider: 'sandbox-exec' }, 'sandbox-exec: Persistence is not supported'],
  ['GET', '/volumes?solution_id=../etc', undefined, 'solution_id: must be the id of a solution'],
  ['GET', '/volumes?all=true', undefined, 'all: is not a known field'],
  ['DELETE', '/volumes/notes/..%2f..%2fetc', undefined, 'name: must be the name of a volume'],
  ['DELETE', '/volumes/notes', undefined, 'name: is missing in the path'],
])('%s %s is refused in a sentence', async (method, path, body, sentence) => {
  const { status, body: problem } = await server.call(method, sandbox(path), body);
  expect([status, problem.detail]).toEqual([422, expect.stringContaining(sentence)]);
});

async function ergon(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [cli, ...args], {
    env: { PATH, HOME, ERGON_SANDBOX_URL: server.url, DOCKER_HOST: engine.host },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

test('the command line runs with a volume, lists and removes it', async () => {
  const ran = await ergon('test', 'notes', '--volume', 'cli', '--', 'sh', '-c', 'echo x > /volumes/cli/f; ls /volumes');
  expect(ran).toEqual({ code: 0, stdout: 'cli\ndata\n', stderr: '' });
  const list = await ergon('volumes', 'list', 'notes');
  expect(list).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^SOLUTION +VOLUME +SIZE +LIMIT .*\nnotes +cli +\d+ KiB +8 MiB .* docker\nnotes +data .*\n$/,
    ) as string,
  });
  const removed = await ergon('volumes', 'remove', 'notes', 'cli', 'data');
  expect(removed).toEqual({ code: 0, stdout: 'Removed cli of notes\nRemoved data of notes\n', stderr: '' });
  expect(await ergon('volumes', '--json')).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
  expect(await ergon('volumes', 'remove', 'notes', 'cli')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('The solution "notes" has no volume "cli". (SANDBOX012)') as string,
  });
  expect(await ergon('volumes', 'remove', 'notes')).toMatchObject({ code: 2, stdout: '' });
  expect(await ergon('volumes', 'empty')).toMatchObject({ code: 2, stdout: '' });
});
