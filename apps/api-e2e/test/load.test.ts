import { sandbox, TestServer } from './server.js';
import { execute, executionOf } from './sse.js';

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
  const response = await fetch(server.url + path);
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
  expect(longest).toBeLessThan(1000);
}, 120_000);
