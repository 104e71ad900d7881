import { readFileSync } from 'node:fs';
import { registry, sandbox, TestServer } from './server.js';
import { execute, executionOf } from './sse.js';
import { until } from './until.js';

let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start();
});
afterAll(() => TestServer.endAll());

/** The longest that a small call took while a load was served, in ms. */
async function longestDuring(load: Promise<unknown>): Promise<number> {
  let longest = 0;
  let done = false;
  const watched = load.finally(() => {
    done = true;
  });
  // A server that never answers the load fails this by the test's deadline.
  while (!done) {
    const begun = performance.now();
    await server.ok('GET', sandbox('/active'));
    longest = Math.max(longest, performance.now() - begun);
  }
  await watched;
  return longest;
}

/** Takes a whole answer. @returns its length in bytes. */
async function drain(path: string): Promise<number> {
  const response = await server.fetch(path);
  expect(response.status).toBe(200);
  let bytes = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) bytes += chunk.length;
  return bytes;
}

test('ten readers of a million empty lines delay nobody else', async () => {
  const id = await server.openShell('yes "" | head -c 1000000');
  const execution = executionOf((await execute(server, id)).messages);
  const paths = [`${sandbox('/execute')}?sandbox_id=${id}`, sandbox(`/executions/${execution}/events`)];
  const readers = Array.from({ length: 10 }, (_, number) => drain(paths[number % 2] ?? ''));
  const longest = await longestDuring(Promise.all(readers));
  for (const bytes of await Promise.all(readers)) expect(bytes).toBeGreaterThan(50_000_000);
  expect(longest).toBeLessThan(3000);
});

/** The most memory that the server has used so far, in bytes. */
function peakMemory(): number {
  const status = readFileSync(`/proc/${String(server.process.pid)}/status`, 'utf8');
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

test('results that are six times as long as JSON cost neither much memory nor the time of others, however many wait', async () => {
  const id = await server.openShell('sleep 2; head -c 8388608 /dev/zero | tee /dev/stderr', { run: true });
  const path = sandbox(`/results/${id}?wait=60`);
  const leaving = new AbortController();
  const left = Promise.allSettled(
    Array.from({ length: 40 }, () => fetch(server.url + path, { signal: leaving.signal })),
  );
  const readers = Promise.all(Array.from({ length: 100 }, () => drain(path)));
  const waiting = longestDuring(readers);
  const ready = async (): Promise<boolean> => (await server.ok('GET', sandbox(`/results/${id}`))).status === 'running';
  await until(ready);
  leaving.abort();
  expect((await left).map(({ status }) => status)).toEqual(Array<string>(40).fill('rejected'));
  const [longest, lengths] = await Promise.all([waiting, readers]);
  expect(longest).toBeLessThan(3000);
  expect(peakMemory()).toBeLessThan(1024 ** 3);
  expect(new Set(lengths).size).toBe(1);

  const result = await server.ok('GET', path);
  expect(result.stdout).toMatch(/^\0+$/);
  expect(result).toMatchObject({
    status: 'completed',
    stderr: result.stdout,
    truncated: expect.any(Boolean) as boolean,
  });
});

test('text whose pieces part a surrogate pair comes whole; HEAD has the head only', async () => {
  const text = `x${'\u{1F600}'.repeat(100_000)}`;
  const id = await server.open({ code: text, run_command: ['cat', 'solution.py'] });
  await execute(server, id);
  expect((await server.ok('GET', sandbox(`/results/${id}`))).stdout).toBe(text);
  const head = await server.call('HEAD', sandbox(`/results/${id}`));
  expect(head).toMatchObject({ status: 200, body: undefined });
  expect(head.headers.get('content-type')).toBe('application/json; charset=utf-8');
});

test('a search that finds as much as one may delays nobody else', async () => {
  const content = { a: Array(99_000).fill([]) as unknown[], code: 'x'.repeat(200_000) };
  for (let number = 0; number < 60; number += 1) {
    await server.ok('POST', registry('/store'), { type: 'dear', name: `unit ${number}`, version: '1', content });
  }
  const path = registry('/search?type=dear');
  const searches = Promise.all(Array.from({ length: 4 }, () => drain(path)));
  const longest = await longestDuring(searches);
  expect(longest).toBeLessThan(3000);
  const found = await server.ok('GET', path);
  expect(found).toMatchObject({ success: true, count: 60, truncated: false });
  expect(new Set(found.results.map(({ id }) => id)).size).toBe(60);
});
