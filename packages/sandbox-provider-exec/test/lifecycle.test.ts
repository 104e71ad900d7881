import { TestServer } from './support/server.js';

jest.setTimeout(30_000);

let server: TestServer;
beforeAll(() => {
  server = new TestServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test('a program runs, and its output, exit code and usage are told', async () => {
  const run = await server.run(
    ['sh', '-c', 'python main.py; echo err >&2; exit 3'],
    {},
    { 'main.py': 'print("hello")\n' },
  );
  expect(run.stdout).toBe('hello\n');
  expect(run.stderr).toBe('err\n');
  expect(run.end).toMatchObject({ cause: 'exited', exitCode: 3, signal: null, limitsHit: [], reason: null });
});

test('after a cleanup nothing of a sandbox is left', async () => {
  const sandbox = await server.sandbox();
  expect(server.leftovers()).not.toEqual([]);
  expect(await sandbox.cleanup()).toBe(true);
  expect(server.leftovers()).toEqual([]);
});
