import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { OutlivedEngine } from './support/outlived-engine.js';
import { commandLine } from './support/processes.js';
import { BUSYBOX, TestServer } from './support/server.js';
import { until } from './support/until.js';

jest.setTimeout(180_000);

let engine: OutlivedEngine;
let server: TestServer;
beforeAll(async () => {
  engine = await OutlivedEngine.launch(BUSYBOX);
  server = new TestServer({ host: engine.host }, {});
});
afterAll(async () => {
  await engine.remove();
  rmSync(server.home, { recursive: true });
});

const runs = (word: string): boolean => engine.processes.some((pid) => commandLine(pid).includes(word));

test('where containers outlive the engine, a program ends within a minute of its death, and not while the engine lives', async () => {
  expect(await server.provider.probe()).toMatchObject({
    capabilities: { details: { liveRestore: 'a lost program ends within a minute' } },
  });
  const sandbox = await server.sandbox({}, { pids: 1 });
  const lasting = await sandbox.run(['sleep', '50'], { timeoutMs: 100_000 });
  expect(lasting.end).toMatchObject({ cause: 'exited', exitCode: 0, limitsHit: [] });
  const started = performance.now();
  const running = sandbox.run(['sleep', '98765'], { timeoutMs: 1_000_000 });
  await until('the program runs', () => runs('98765'));
  engine.kill();
  expect((await running).end).toMatchObject({ cause: 'lost' });
  await delay(1000); // as long as an end would take
  expect(runs('98765')).toBe(true);
  await until('the program has ended', () => !runs('98765'), 60_000);
  expect(performance.now() - started).toBeGreaterThan(10_000);
  await expect(server[Symbol.asyncDispose]()).rejects.toMatchObject({
    message: expect.stringMatching(/could not be removed/) as string,
  });
});
