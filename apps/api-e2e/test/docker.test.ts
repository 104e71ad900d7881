import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from './engine.js';
import { sandbox, TestServer } from './server.js';
import type { Body } from './server.js';
import { execute, linesOf } from './sse.js';
import type { Message } from './sse.js';
import { until } from './until.js';

const engine = Engine.given();
const examples = join(__dirname, '../../../examples/solutions');

let server: TestServer;
beforeAll(async () => {
  const env = { ERGON_SANDBOX_MAX_CONCURRENT: '20' };
  server = await engine.server({ env, args: ['--examples', examples] });
});
afterEach(async () => {
  await server.ok('POST', sandbox('/cleanup-all'));
  expect(await engine.leftovers(server.dataDir)).toEqual([]);
});
afterAll(() => TestServer.endAll());

interface Outcome {
  readonly status: string;
  readonly exit_code: number | null;
  readonly limits: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
}

/** What comes of an example solution's command on a provider. */
async function outcome(solution: string, provider: string): Promise<Outcome> {
  const opened = await server.ok('POST', sandbox('/test'), { solution_id: solution, provider, run: true });
  expect(opened).toMatchObject({ provider });
  const result = await server.ok('GET', sandbox(`/results/${opened.sandbox_id}?wait=50`));
  const { status, exit_code, stdout, stderr, limits_hit } = result as Body & {
    stderr: string;
    limits_hit: readonly { limit: string; value: number }[];
  };
  const limits = limits_hit.map(({ limit, value }) => `${limit} ${value}`);
  return { status, exit_code, limits, stdout: stdout ?? '', stderr };
}

const ends = [
  { solution: 'fails', status: 'failed', exit_code: 1, limits: [] },
  { solution: 'hello-python', status: 'completed', exit_code: 0, limits: [] },
  { solution: 'mandelbrot', status: 'completed', exit_code: 0, limits: [] },
  { solution: 'never-ends', status: 'timeout', exit_code: null, limits: ['wall_time 5000'] },
  { solution: 'node-maze', status: 'completed', exit_code: 0, limits: [] },
  { solution: 'out-of-memory', status: 'failed', exit_code: 137, limits: ['memory 67108864'] },
  { solution: 'shell-planets', status: 'completed', exit_code: 0, limits: [] },
  { solution: 'word-count', status: 'completed', exit_code: 0, limits: [] },
];

/** What sandbox-exec does not have. */
const dockersOwn = ['guest-book'];

test('every example is compared', () => {
  const both = readdirSync(examples).filter((name) => !dockersOwn.includes(name));
  expect(both.sort()).toEqual(ends.map(({ solution }) => solution));
});

test.each(ends)('$solution ends on docker as on sandbox-exec, and says the same', async ({ solution, ...end }) => {
  const here = await outcome(solution, 'sandbox-exec');
  const there = await outcome(solution, 'docker');
  expect({ here, there }).toMatchObject({ here: end, there: end });
  expect(there.stderr).toBe(here.stderr);
  // What a limit cut off, it cut off a line sooner or later.
  const [shorter = '', longer = ''] = [here.stdout, there.stdout].sort((a, b) => a.length - b.length);
  expect(shorter).not.toBe('');
  expect(longer.slice(0, shorter.length)).toBe(shorter);
  if (end.limits.length === 0) expect(longer).toBe(shorter);
});

test.each(['node-maze', 'word-count'])('the own tests of %s pass on docker', async (solution) => {
  const { sandbox_id: id } = await server.ok('POST', sandbox('/test'), { solution_id: solution, provider: 'docker' });
  const { messages } = await execute(server, id, { test: true });
  expect(messages.at(-1)?.data).toMatchObject({ done: true, status: 'completed', exit_code: 0 });
});

/** Lines by which a lost, doubled or misplaced one shows. */
const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `[stdout] ${name} ${index + 1}`);

async function runNumbered(name: string, count: number): Promise<void> {
  const id = await server.openShell(`seq -f '${name} %.0f' 1 ${count}`, { provider: 'docker' });
  const { messages } = await execute(server, id);
  expect(linesOf(messages)).toEqual(numbered(name, count));
  expect(messages.at(-1)?.data).toMatchObject({ done: true, status: 'completed', exit_code: 0 });
  expect((await server.ok('DELETE', sandbox(`/${id}`))) as unknown).toEqual({ success: true });
}

test('200 sandboxes in sequence lose no line and leave nothing behind', async () => {
  for (let number = 1; number <= 200; number += 1) await runNumbered(`sandbox ${number} line`, number);
  expect(await engine.leftovers(server.dataDir)).toEqual([]);
}, 900_000);

test('20 sandboxes at once lose no line and leave nothing behind', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, number) => runNumbered(`sandbox ${number} line`, 20_000)));
  expect(await engine.leftovers(server.dataDir)).toEqual([]);
}, 300_000);

test('DELETE at any moment of the preparation answers soon and leaves nothing', async () => {
  for (let pause = 0; pause < 2000; pause += 100) {
    const id = await server.openShell('echo hello', { provider: 'docker', run: true });
    const end = performance.now() + pause;
    await until(() => performance.now() >= end);
    const begun = performance.now();
    expect((await server.ok('DELETE', sandbox(`/${id}`))) as unknown).toEqual({ success: true });
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(await engine.leftovers(server.dataDir)).toEqual([]);
  }
}, 180_000);

test('a start, a crash and a sweep of one server leave the running sandbox of another on the same engine alone', async () => {
  const id = await server.openShell('i=0; while :; do i=$((i + 1)); echo "line $i"; sleep 0.1; done', {
    provider: 'docker',
  });
  const lines: string[] = [];
  const onMessage = ({ data }: Message): unknown => data.line !== undefined && lines.push(data.line);
  const running = execute(server, id, {}, { onMessage });
  await until(() => lines.length > 3, 30_000);

  let other = await engine.server();
  const { dataDir } = other;
  const left = await other.openShell('sleep 600', { provider: 'docker', run: true });
  await until(async () => (await other.ok('GET', sandbox(`/results/${left}`))).status === 'running', 30_000);
  await other.stop('SIGKILL');
  other = await engine.server({ dataDir });
  await until(async () => (await engine.leftovers(dataDir)).length === 0, 30_000);

  const before = lines.length;
  await until(() => lines.length > before + 3, 30_000);
  await server.ok('POST', sandbox(`/${id}/stop`));
  const { messages } = await running;
  expect(linesOf(messages)).toEqual(lines.map((_, index) => `[stdout] line ${index + 1}`));
  expect(messages.at(-1)?.data).toMatchObject({ done: true, status: 'stopped' });
  expect(await other.stop()).toBe(0);
  expect(await engine.leftovers(dataDir)).toEqual([]);
});

test('the limits of a live sandbox are changed, and what is in use is no less than a limit may be', async () => {
  const id = await server.openShell('true', { provider: 'docker', memory_limit: '256m' });
  const result = (): Promise<Body> => server.ok('GET', sandbox(`/results/${id}`));
  const running = execute(server, id, {
    command: ['sh', '-c', 'head -c 125829120 /dev/zero > /tmp/x; echo up; exec sleep 1000'],
  });
  await until(async () => (await result()).stdout === 'up\n');
  const refused = await server.call('PATCH', sandbox(`/${id}`), { memory_limit: '64m' });
  expect(refused).toMatchObject({
    status: 422,
    body: { code: 'SANDBOX008', field: 'memory_limit', detail: expect.stringContaining('in use now') as string },
  });
  const { limits } = await server.ok('PATCH', sandbox(`/${id}`), { memory_limit: '200m', cpu_limit: 0.5, timeout: 60 });
  expect(limits).toMatchObject({ memory_limit: 200 << 20, cpu_limit: 0.5, timeout: 60 });
  expect((await result()).status).toBe('running');
  await server.ok('POST', sandbox(`/${id}/stop`));
  await running;
  const next = await execute(server, id, { command: ['sh', '-c', 'head -c 230000000 /dev/zero > /tmp/x; echo $?'] });
  expect(linesOf(next.messages)).not.toContain('[stdout] 0');
  expect((await result()).limits_hit).toMatchObject([{ limit: 'memory', value: 200 << 20 }]);
});
