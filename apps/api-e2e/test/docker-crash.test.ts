import { setTimeout as delay } from 'node:timers/promises';
import { describeAsRoot, OwnEngine } from './engine.js';
import { sandbox, TestServer } from './server.js';
import { until } from './until.js';

// An engine of its own, in which nothing else is. Root only.
let engine: OwnEngine;

describeAsRoot('with an engine of its own', () => {
  beforeAll(async () => {
    engine = await OwnEngine.launch();
  }, 300_000);

  afterAll(async () => {
    await TestServer.endAll();
    await engine.remove();
  });

  const code = 'echo begun; sleep 600 & sleep 600';

  /** Opens a sandbox and runs it. @returns its id, as soon as it is being prepared */
  const open = (server: TestServer): Promise<string> => server.openShell(code, { provider: 'docker', run: true });

  async function running(server: TestServer, id: string): Promise<void> {
    await until(async () => (await server.ok('GET', sandbox(`/results/${id}`))).status === 'running', 30_000);
  }

  /** What the server is doing when it is killed; each ends when it may be killed, some time later at random. */
  const moments: Record<string, (server: TestServer) => Promise<{ ids: string[]; within: number }>> = {
    preparing: async (server) => ({ ids: [await open(server), await open(server)], within: 1500 }),
    running: async (server) => {
      const ids = [await open(server), await open(server)];
      for (const id of ids) await running(server, id);
      return { ids, within: 200 };
    },
    cleaning: async (server) => {
      const ids = [await open(server), await open(server)];
      for (const id of ids) await running(server, id);
      // It is killed before it can answer.
      for (const id of ids) void server.call('DELETE', sandbox(`/${id}`)).catch(() => undefined);
      return { ids, within: 500 };
    },
  };

  test.each(Object.entries(moments))(
    'kill -9 of the server while it is %s: the next start leaves nothing of the dead one in the engine, and cut-off runs say so',
    async (moment, reach) => {
      let server = await engine.server();
      const { dataDir } = server;
      let caught = 0;
      for (let round = 0; round < 5; round += 1) {
        const { ids, within } = await reach(server);
        await delay(Math.random() * within);
        expect(await server.stop('SIGKILL')).toBe('SIGKILL');
        if ((await engine.all()).length > 0) caught += 1;

        server = await engine.server({ dataDir });
        await until(async () => (await engine.all()).length === 0, 20_000);
        expect(await server.ok('GET', sandbox('/active'))).toEqual([]);
        const cutOff = { status: 'failed', cause: 'lost', errors: [expect.stringContaining('cut off') as string] };
        for (const id of ids) {
          const result = await server.ok('GET', sandbox(`/results/${id}`));
          expect(result.exit_code).toBeNull();
          // One whose removal had begun may have been told to have been stopped.
          if (moment !== 'cleaning' || result.cause !== 'stopped') expect(result).toMatchObject(cutOff);
        }
      }
      expect(caught).toBeGreaterThan(0);
      expect(await server.stop()).toBe(0);
      expect(await engine.all()).toEqual([]);
    },
    300_000,
  );
});
