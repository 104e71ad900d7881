import { sandbox, TestServer } from './server.js';
import { execute } from './sse.js';
import { until } from './until.js';

const MiB = 1 << 20;
let server: TestServer;
beforeAll(async () => {
  server = await TestServer.start({ env: { ERGON_SANDBOX_CEILING: 'memory=1g,timeout=600' } });
});
afterEach(() => server.ok('POST', sandbox('/cleanup-all')));
afterAll(() => TestServer.endAll());

/** What can be changed here depends on the control groups of this machine. */
async function adjustable(): Promise<readonly string[]> {
  const { 'sandbox-exec': exec } = (await server.ok('GET', sandbox('/providers'))) as unknown as {
    'sandbox-exec': { capabilities: { adjustable: readonly string[] } };
  };
  return exec.capabilities.adjustable;
}

test('PATCH /{sandbox_id} changes limits of a run that goes on: an event of it, the answer, and the end say so', async () => {
  const id = await server.openShell('echo up; exec sleep 1000');
  const path = sandbox(`/${id}`);
  const running = execute(server, id);
  await until(async () => (await server.ok('GET', sandbox(`/results/${id}`))).stdout === 'up\n');
  const hasGroups = (await adjustable()).includes('memory');
  const memory = { memory_limit: '512m', pids_limit: 20 };
  const changed = await server.call('PATCH', path, { ...memory, output_limit: '1m' });
  if (hasGroups) {
    expect(changed).toMatchObject({
      status: 200,
      body: {
        success: true,
        limits: { memory_limit: 512 * MiB, pids_limit: 20, output_limit: MiB, timeout: 300 },
        notes: [],
      },
    });
    const refused = await server.call('PATCH', path, { memory_limit: '2g', cpu_limit: 0.5 });
    expect(refused.body).toMatchObject({
      limits: { memory_limit: 1024 * MiB, cpu_limit: 0.5, pids_limit: 20 },
      notes: ["memory_limit was lowered from 2 GiB to the server's ceiling, 1 GiB."],
    });
  } else {
    expect(changed).toMatchObject({ status: 422, body: { code: 'SANDBOX009', field: 'memory_limit' } });
    expect((await server.ok('PATCH', path, {})).limits).toMatchObject({ output_limit: 64 * MiB });
  }
  const { limits } = await server.ok('PATCH', path, { timeout: 0.5 });
  expect(limits).toMatchObject({ timeout: 0.5 });
  await running;
  const result = await server.ok('GET', sandbox(`/results/${id}`));
  expect(result).toMatchObject({ status: 'timeout', limits_hit: [{ limit: 'wall_time', value: 500 }] });
  const events = (await server.ok('GET', sandbox(`/executions/${result.execution_id}/events`))) as unknown as readonly {
    type: string;
    limits: Record<string, number>;
    message: string;
  }[];
  const told = events.filter(({ type }) => type === 'limits');
  expect(told.at(-1)).toMatchObject({
    limits: { wall_time: 500 },
    message: 'The wall-time limit was changed from 300 s to 0.5 s.',
  });
  expect(told).toHaveLength(hasGroups ? 3 : 1);
});

test('PATCH /{sandbox_id} of a sandbox that is not there, or was removed, is 404', async () => {
  const id = await server.openShell('true');
  await server.ok('DELETE', sandbox(`/${id}`));
  for (const gone of ['nobody', id]) {
    const answer = await server.call('PATCH', sandbox(`/${gone}`), { timeout: 5 });
    expect(answer).toMatchObject({ status: 404, body: { code: 'SANDBOX006' } });
  }
});
