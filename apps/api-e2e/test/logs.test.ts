import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main, sandbox, TestServer } from './server.js';
import type { LogLine } from './server.js';
import { execute } from './sse.js';
import { until } from './until.js';

/** For servers whose log does not tell where they listen. */
async function freePort(): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return String(port);
}

afterEach(() => TestServer.endAll());

test('every line of a request has its id, and its sandbox; the answer has the same id', async () => {
  const server = await TestServer.start({ env: { ERGON_LOG_LEVEL: 'DEBUG' } });
  const id = await server.openShell('echo hello');
  await execute(server, id);
  const answer = await server.call('GET', sandbox(`/results/${id}`));
  const requestId = answer.headers.get('x-request-id');
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  const ofRequest = (): readonly LogLine[] => server.log.filter((line) => line.request_id === requestId);
  await until(() => ofRequest().length > 0);
  expect(ofRequest()).toEqual([
    {
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      level: 'info',
      message: `GET ${sandbox(`/results/${id}`)}`,
      request_id: requestId,
      sandbox_id: id,
      status: 200,
      ms: expect.any(Number) as number,
    },
  ]);
  for (const call of ['POST /api/ergon/sandbox/test', 'POST /api/ergon/sandbox/execute']) {
    expect(server.log.find(({ message }) => message === call)).toMatchObject({
      sandbox_id: id,
      request_id: expect.any(String) as string,
    });
  }
});

test("a caller's own request id is taken if it is a plain one", async () => {
  const server = await TestServer.start();
  const idOf = async (given: string): Promise<string | null> =>
    (await server.call('GET', sandbox('/health'), undefined, { 'X-Request-Id': given })).headers.get('x-request-id');
  expect(await idOf('trace-1.a')).toBe('trace-1.a');
  for (const bad of ['a b', 'x'.repeat(65), '"}', 'a\tb']) expect(await idOf(bad)).toMatch(/^[0-9a-f-]{36}$/);
});

test('ERGON_LOG_LEVEL in any case decides what is logged', async () => {
  const server = await TestServer.start({ env: { ERGON_LOG_LEVEL: 'Info' } });
  await server.ok('GET', sandbox('/health'));
  await until(() => server.log.some(({ message }) => message.includes('/health')));

  // With WARNING nothing says that it listens: the health call of a fixed port does.
  const port = await freePort();
  const quiet = TestServer.launch({ env: { ERGON_LOG_LEVEL: 'WARNING', ERGON_SANDBOX_PORT: port } });
  quiet.url = `http://127.0.0.1:${port}`;
  await until(() =>
    quiet.call('GET', sandbox('/health')).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  expect(await quiet.stop()).toBe(0);
  expect(quiet.output).toBe('');
});

test('an unknown variable of ours is named in a warning', async () => {
  const server = await TestServer.start({ env: { ERGON_SANDBOX_PROT: '1' } });
  expect(server.log[0]).toMatchObject({ level: 'warn', variables: ['ERGON_SANDBOX_PROT'] });
});

test('on a terminal the log is lines for people, in which no text can forge another', async () => {
  const port = await freePort();
  // script(1) gives the server a terminal; a client in the same shell calls it once.
  const client = `for (;;) { try { const r = await fetch("http://127.0.0.1:${port}/a%0Ab", { headers: { "X-Request-Id": "term-1" } }); if (r) break; } catch {} await new Promise(r => setTimeout(r, 20)); }`;
  const shell = `node "$MAIN" & server=$!; node --input-type=module -e '${client}'; kill $server; wait $server`;
  const dataDir = mkdtempSync(join(tmpdir(), 'ergon-terminal-'));
  try {
    const { PATH } = process.env;
    const env = { PATH, MAIN: main, ERGON_SANDBOX_PORT: port, ERGON_SANDBOX_DATA_DIR: dataDir };
    const { stdout } = spawnSync('script', ['-qec', shell, '/dev/null'], { env, encoding: 'utf8', timeout: 30_000 });
    const lines = stdout.split(/\r?\n/);
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {2}Listening on http:\/\/127\.0\.0\.1:\d+ url=/);
    expect(lines).toContainEqual(expect.stringMatching(/ INFO {2}GET \/a%0Ab request_id=term-1 status=404 ms=\d+$/));
  } finally {
    rmSync(dataDir, { recursive: true });
  }
});
