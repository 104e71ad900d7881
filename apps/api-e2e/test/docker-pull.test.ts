import { Engine } from './engine.js';
import { sandbox, TestServer } from './server.js';
import { SlowRegistry } from './slow-registry.js';
import { follow } from './sse.js';
import { until } from './until.js';

jest.setTimeout(180_000);

const MB = 1_000_000;
const engine = Engine.given();
let slow: SlowRegistry;
let server: TestServer;
beforeAll(async () => {
  slow = await SlowRegistry.launch(engine, 6 * MB, 2 * MB);
  server = await start();
});
afterAll(async () => {
  await TestServer.endAll();
  if (await isThere()) await engine.docker('image', 'rm', slow.image);
  await slow.close();
});

function start(dataDir?: string): Promise<TestServer> {
  const options = { docker: { pull: { from: [slow.host] } } };
  const env = { ERGON_SANDBOX_PROVIDER_OPTIONS: JSON.stringify(options) };
  return engine.server({ env, ...(dataDir !== undefined && { dataDir }) });
}

const open = (): Promise<string> => server.openShell('echo up', { provider: 'docker', image: slow.image, run: true });

/** A pull is under way for it. */
async function pulling(id: string): Promise<void> {
  const asked = slow.said.length;
  await until(() => slow.said.slice(asked).includes('asked') || slow.said.at(-1) === 'asked');
  expect((await server.ok('GET', sandbox(`/results/${id}`))).status).toBe('preparing');
}

const isThere = async (): Promise<boolean> => (await engine.docker('image', 'ls', '-q', slow.image)) !== '';

test('kill -9 of the server in the middle of a pull: the transfer ends, nothing is left, and the next start says so and pulls anew', async () => {
  const id = await open();
  await pulling(id);
  expect(await server.stop('SIGKILL')).toBe('SIGKILL');
  await until(() => slow.said.at(-1) === 'cut');
  expect(await isThere()).toBe(false);
  const { dataDir } = server;
  server = await start(dataDir);
  await until(async () => (await engine.leftovers(dataDir)).length === 0);
  expect(await server.ok('GET', sandbox(`/results/${id}`))).toMatchObject({ status: 'failed', cause: 'lost' });
  expect(await isThere()).toBe(false);
});

test('a run that waits for its image shows the pull in its events as it goes on; the stream of server-sent events has its lines and its end', async () => {
  // An image of random bytes has no shell: it is pulled, and then the sandbox cannot be made of it.
  const id = await open();
  const streaming = follow(server, id);
  const [row] = await server.list(sandbox(`/history?limit=1`));
  const events = await server.list(sandbox(`/executions/${row?.execution_id ?? ''}/events`));
  const told = events as unknown as readonly { type: string; phase?: string; done?: number; total?: number | null }[];
  expect(told.filter(({ type }) => type === 'phase').map(({ phase }) => phase)).toEqual(['pulling', 'pulled']);
  const transferred = told.filter(({ type, phase }) => type === 'progress' && phase === 'pulling');
  const middle = transferred.filter(({ done = 0 }) => done > 0 && done < 6 * MB);
  expect(middle.length).toBeGreaterThan(0);
  expect(transferred.at(-1)?.done).toBe(transferred.at(-1)?.total);
  const { messages } = await streaming;
  expect(messages.map(({ data }) => Object.keys(data).join())).toEqual(['error', 'done,status,exit_code']);
  expect(await isThere()).toBe(true);
});

test('a sandbox that is removed in the middle of a pull lets go of the registry', async () => {
  await engine.docker('image', 'rm', slow.image);
  const id = await open();
  await pulling(id);
  await server.ok('DELETE', sandbox(`/${id}`));
  await until(() => slow.said.at(-1) === 'cut');
  expect(await isThere()).toBe(false);
  expect(await engine.leftovers(server.dataDir)).toEqual([]);
});
