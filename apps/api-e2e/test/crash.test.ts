import { setTimeout as delay } from 'node:timers/promises';
import { instancesOf, leftovers, marked } from './leftovers.js';
import { registry, sandbox, TestServer } from './server.js';
import type { Body } from './server.js';
import { execute, executionOf } from './sse.js';
import { until } from './until.js';

afterAll(() => TestServer.endAll());

/** What a client had been told when the server was killed. */
interface Told {
  readonly units: string[];
  /** Executions whose end was sent, with that end. */
  readonly ended: Map<string, Partial<Body>>;
  readonly begun: Set<string>;
}

const lastLine = 'this was its last line';
/** Ends by itself, with a grandchild that holds its pipes; in between, the server may be killed at any point. */
const code = `${marked} & for i in 1 2 3 4 5 6; do echo $i; sleep 0.0$(( $$ % 9 )); done; echo ${lastLine}; exit 3`;

/** A client that stores, opens, runs and cleans until the server is gone. */
async function useUntilKilled(server: TestServer, told: Told): Promise<void> {
  const environment = { DATA_DIR: server.dataDir };
  try {
    for (;;) {
      const { id } = await server.ok('POST', registry('/store'), {
        type: 'solution',
        name: 'n',
        version: '1',
        content: { code, main_file: 'main.sh' },
      });
      told.units.push(id);
      const sandboxId = (await server.ok('POST', sandbox('/test'), { solution_id: id, environment })).sandbox_id;
      for (let run = 0; run < 2; run += 1) {
        const { messages } = await execute(
          server,
          sandboxId,
          {},
          { onMessage: (message) => told.begun.add(executionOf([message])) },
        );
        const end = messages.at(-1)?.data;
        if (end?.done === true) told.ended.set(executionOf(messages), end);
      }
      await server.ok('DELETE', sandbox(`/${sandboxId}`));
    }
  } catch (error) {
    // fetch fails with a TypeError (of Node, not of jest's realm) when the server is killed; anything else is what we look for.
    if (!(error as Error).stack?.startsWith('TypeError')) throw error;
    await until(() => server.ended);
  }
}

test('20 rounds of kill -9 at random moments: nothing left, nothing told lost, no run said to be finished that was not', async () => {
  const told: Told = { units: [], ended: new Map(), begun: new Set() };
  let server = await TestServer.start();
  const { dataDir } = server;
  let cutOff = 0;
  for (let round = 0; round < 20; round += 1) {
    const clients = [useUntilKilled(server, told), useUntilKilled(server, told), useUntilKilled(server, told)];
    await delay(100 + Math.random() * 700);
    instancesOf(dataDir);
    expect(await server.stop('SIGKILL')).toBe('SIGKILL');
    await Promise.all(clients);

    server = await TestServer.start({ dataDir });
    const own = server.log.length; // what it says while starting is about the dead one
    expect(own).toBeGreaterThan(0);
    const ofTheDead = leftovers(dataDir).filter((what) => !what.startsWith('folder'));
    expect(ofTheDead).toEqual([]);
    expect(instancesOf(dataDir)).toHaveLength(1); // the start that lives

    for (const unit of told.units.slice(-10)) await server.ok('GET', registry(`/${unit}`));
    const rows = await server.list(sandbox('/history?limit=1000'));
    const byId = new Map(rows.map((row) => [row.execution_id, row]));
    for (const [execution, end] of told.ended) {
      expect([execution, byId.get(execution)]).toMatchObject([
        execution,
        { status: end.status, exit_code: end.exit_code },
      ]);
    }
    for (const execution of told.begun) expect(byId.has(execution)).toBe(true);
    for (const row of rows) {
      // No run goes on that is not there, and none is said to have finished that did not print its last line.
      expect(['failed', 'stopped']).toContain(row.status);
      if (told.ended.has(row.execution_id)) continue;
      const result = await server.ok('GET', sandbox(`/results/${row.sandbox_id}?execution_id=${row.execution_id}`));
      if (row.exit_code === 3) {
        expect(result.stdout).toContain(lastLine);
      } else {
        cutOff += 1;
        expect(result).toMatchObject({ exit_code: null, cause: 'lost', errors: [expect.stringContaining('cut off')] });
        const events = await server.list(sandbox(`/executions/${row.execution_id}/events`));
        expect(events.at(-1)).toMatchObject({ type: 'complete', status: 'failed', cause: 'lost' });
      }
    }
    expect(await server.ok('GET', sandbox('/active'))).toEqual([]);
  }
  expect(told.units.length).toBeGreaterThan(0);
  expect(told.ended.size).toBeGreaterThan(0);
  expect(cutOff).toBeGreaterThan(0);
  expect(await server.stop()).toBe(0);
  expect(server.leftovers()).toEqual([]);
}, 300_000);
