import { setTimeout as delay } from 'node:timers/promises';
import type { ProviderProbe } from '@ergon/sandbox-core';
import { leftovers } from './support/engine.js';
import { OwnEngine } from './support/own-engine.js';
import { processesBelow, signalAll } from './support/processes.js';
import { BUSYBOX, TestServer } from './support/server.js';
import { until } from './support/until.js';

jest.setTimeout(240_000);

let engine: OwnEngine;
let server: TestServer;
let changes = 0;
beforeAll(async () => {
  engine = await OwnEngine.launch(BUSYBOX);
  server = new TestServer({ host: engine.host }, { changed: () => changes++ });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  expect(await leftovers(server.instanceId, engine.docker)).toEqual([]);
  await engine.remove();
});

const timed = async <T>(work: Promise<T>): Promise<{ value: T; ms: number }> => {
  const started = performance.now();
  return { value: await work, ms: performance.now() - started };
};

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'an engine that ends in the midst of a run (%s) makes it lost, at once and in a sentence; when it is back, all works again',
  async (signal) => {
    await server.provider.probe();
    const sandbox = await server.sandbox();
    const before = changes;
    let gone: Promise<void> = Promise.resolve();
    const { value: run, ms } = await timed(
      sandbox.run(['sh', '-c', 'echo up; trap "" TERM; sleep 1000'], {
        onChunk: () => void (gone = engine.stop(signal)),
      }),
    );
    expect(run.stdout).toBe('up\n');
    expect(run.end).toMatchObject({ cause: 'lost', exitCode: null, signal: null });
    expect(run.end.reason).toMatch(/engine|container/);
    expect(ms).toBeLessThan(20_000);
    await gone;
    const probe = await server.provider.probe();
    expect(probe).toMatchObject({
      available: false,
      reason: expect.stringMatching(/No Docker engine answers/) as string,
    });
    expect(changes).toBeGreaterThan(before);
    await expect(server.sandbox()).rejects.toMatchObject({ code: expect.stringMatching(/SANDBOX0(01|11)/) as string });
    await expect(sandbox.cleanup()).rejects.toMatchObject({ code: 'SANDBOX011' }); // it says what it can't remove
    await engine.start();
    expect(await server.provider.probe()).toMatchObject({ available: true });
    expect((await server.run(['echo', 'back'])).stdout).toBe('back\n');
    expect(await sandbox.cleanup()).toBe(true);
    expect(await leftovers(server.instanceId, engine.docker)).toEqual([]);
  },
);

test.each([60, 250, 450])(
  'an engine that ends %d ms into a preparation: the engine is told as the reason, and once it is back nothing is left',
  async (ms) => {
    await server.provider.probe();
    const config = server.config();
    const preparing = server.provider.prepare('solution', server.solution({ 'a.txt': 'a' }), config);
    const outcome = preparing.then(
      () => 'prepared',
      (error: unknown) => error,
    );
    await delay(ms);
    await engine.stop('SIGKILL');
    const failure = await outcome;
    await engine.start();
    if (failure === 'prepared') expect(await server.provider.cleanup(config.sandboxId)).toBe(true);
    else expect(failure).toMatchObject({ message: expect.stringMatching(/engine|connection/i) as string });
    await server.provider.cleanup(config.sandboxId);
    await server.provider.reclaim(null);
    expect(await leftovers(server.instanceId, engine.docker)).toEqual([]);
  },
);

test('the same sandbox runs its next command when the engine is back from an outage', async () => {
  const sandbox = await server.sandbox();
  const outage = async (): Promise<void> => {
    await engine.stop('SIGKILL');
    await delay(3000); // in which what is made ahead fails
    await engine.start();
  };
  let over = Promise.resolve();
  const run = await sandbox.run(['sh', '-c', 'echo up; sleep 1000'], { onChunk: () => void (over = outage()) });
  expect(run.end).toMatchObject({ cause: 'lost' });
  await over;
  await until('the engine answers', async () => (await server.provider.probe()).available, 30_000);
  const { end, stdout } = await sandbox.run(['sh', '-c', 'echo back; exit 2']);
  expect(stdout).toBe('back\n');
  expect(end).toMatchObject({ cause: 'exited', exitCode: 2, reason: null });
  expect(await sandbox.cleanup()).toBe(true);
});

test('an engine that hangs is not waited for: a probe says so within its time', async () => {
  const pids = processesBelow(engine.pid);
  signalAll(pids, 'SIGSTOP');
  try {
    const { value, ms } = await timed(server.provider.probe());
    expect(value).toMatchObject({ available: false, reason: expect.stringMatching(/gave no answer/) as string });
    expect(ms).toBeLessThan(15_000);
  } finally {
    signalAll(pids, 'SIGCONT');
  }
  let probe: ProviderProbe | null = null;
  await until('the engine answers', async () => (probe = await server.provider.probe()).available, 30_000);
  expect(probe).toMatchObject({ available: true });
});

test('an engine that hangs holds no run: its stop ends as lost, since nobody knows whether the program still runs', async () => {
  const sandbox = await server.sandbox();
  const stop = new AbortController();
  let pids: number[] = [];
  const hang = (): void => {
    pids = processesBelow(engine.pid);
    signalAll(pids, 'SIGSTOP');
    stop.abort();
  };
  try {
    const command = ['sh', '-c', 'echo up; sleep 1000'];
    const { value: run, ms } = await timed(
      sandbox.run(command, { signal: stop.signal, timeoutMs: 400_000, onChunk: hang }),
    );
    expect(run.end).toMatchObject({ cause: 'lost', exitCode: null, signal: null });
    expect(run.end.reason).toMatch(/whether the program still runs is not known/);
    expect(ms).toBeLessThan(90_000);
  } finally {
    signalAll(pids, 'SIGCONT');
  }
  expect(await sandbox.cleanup()).toBe(true);
  expect(await leftovers(server.instanceId, engine.docker)).toEqual([]);
});
