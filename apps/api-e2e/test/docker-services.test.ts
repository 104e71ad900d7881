import { Engine } from './engine.js';
import { sandbox, TestServer, type Body } from './server.js';
import { follow } from './sse.js';
import { until } from './until.js';

jest.setTimeout(240_000);

const engine = Engine.given();
let server: TestServer;
beforeAll(async () => {
  server = await engine.server();
});
afterAll(() => TestServer.endAll());

const db = {
  image: 'ergon-test/debian:1',
  command: [
    'python3',
    '-u',
    '-c',
    'import http.server as h; print("begun"); h.HTTPServer(("", 8000), h.SimpleHTTPRequestHandler).serve_forever()',
  ],
  healthcheck: {
    test: ['CMD-SHELL', 'python3 -c "import socket; socket.create_connection((\'db\', 8000))"'],
    interval: '1s',
    retries: 60,
  },
};
const ask = 'python3 -c "import urllib.request as u; print(u.urlopen(\'http://db:8000/\').status)"';

/** What the kept log of the last execution says of services. */
async function told(): Promise<readonly Record<string, unknown>[]> {
  const [row] = await server.list(sandbox('/history?limit=1'));
  const events = await server.list(sandbox(`/executions/${row?.execution_id ?? ''}/events`));
  return (events as unknown as readonly Record<string, unknown>[]).filter(({ type }) => type === 'service');
}

test('a run reaches its service, shows it in its events, and sends nothing of it to who reads the lines of the program', async () => {
  const id = await server.openShell(ask, { provider: 'docker', run: true, services: { db } });
  const { messages } = await follow(server, id);
  expect(messages.map(({ data }) => data.line ?? data.done)).toEqual(['[stdout] 200', true]);
  const events = await told();
  expect(events.map(({ state, text }) => state ?? text)).toEqual(
    expect.arrayContaining(['starting', 'begun', 'healthy']),
  );
  await server.ok('DELETE', sandbox(`/${id}`));
  expect(await engine.leftovers(server.dataDir)).toEqual([]);
});

test('a service that does not come up fails the run as not started, with its last lines', async () => {
  const broken = { image: 'ergon-test/debian:1', command: ['sh', '-c', 'echo "no config" >&2; exit 2'] };
  const id = await server.openShell('echo never', { provider: 'docker', run: true, services: { db: broken } });
  const result = await server.ok('GET', sandbox(`/results/${id}?wait=120`));
  expect(result).toMatchObject({ status: 'failed', cause: 'not-started', exit_code: null });
  expect((result as Body & { errors: unknown }).errors).toEqual([
    'The command was not started: The service "db" ended with 2. Its last lines: no config',
  ]);
  expect((await told()).at(-1)).toMatchObject({ service: 'db', state: 'ended', exit_code: 2 });
  await server.ok('DELETE', sandbox(`/${id}`));
});

test('kill -9 of the server while a service starts: it ends, and the next start leaves nothing and says so', async () => {
  const late = { ...db, healthcheck: { test: ['CMD', 'false'] } };
  const id = await server.openShell(ask, { provider: 'docker', run: true, services: { db: late } });
  const label = 'label=org.ergon.sandbox.role=service';
  const mine = `label=org.ergon.sandbox.sandbox=${id}`;
  const runs = async (): Promise<boolean> =>
    (await engine.docker('ps', '-q', '--filter', label, '--filter', mine, '--filter', 'name=service-db')) !== '';
  await until(runs, 60_000);
  expect(await server.stop('SIGKILL')).toBe('SIGKILL');
  const { dataDir } = server;
  await until(async () => !(await runs()), 60_000);
  server = await engine.server({ dataDir });
  await until(async () => (await engine.leftovers(dataDir)).length === 0, 60_000);
  expect(await server.ok('GET', sandbox(`/results/${id}`))).toMatchObject({
    status: 'failed',
    cause: 'lost',
    errors: [expect.stringContaining('cut off') as string],
  });
});

test('services that are none are refused with a sentence that names the field', async () => {
  const refused = await server.call('POST', sandbox('/test'), {
    solution_id: 'x',
    services: { db: { ...db, ports: ['80:80'] } },
  });
  expect(refused.body).toMatchObject({ status: 422, code: 'SANDBOX008', field: 'services.db.ports' });
});
