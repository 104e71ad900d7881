import { TestServer } from './support/server.js';

jest.setTimeout(60_000);

let server: TestServer;
beforeAll(() => {
  server = new TestServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test('a program runs, and its output, exit code and usage are told', async () => {
  const run = await server.run(['sh', '-c', 'cat main.txt; echo err >&2; exit 3'], {}, { 'main.txt': 'hello\n' });
  expect(run.stdout).toBe('hello\n');
  expect(run.stderr).toBe('err\n');
  expect(run.end).toMatchObject({ cause: 'exited', exitCode: 3, signal: null, limitsHit: [], reason: null });
  console.log(run.end, run.reports, run.chunks);
  expect(await server.leftovers()).toEqual([]);
});
