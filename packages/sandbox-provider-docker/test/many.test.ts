import { setTimeout as delay } from 'node:timers/promises';
import { TestServer } from './support/server.js';

jest.setTimeout(300_000);

let server: TestServer;
beforeEach(() => {
  server = new TestServer();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  expect(await server.leftovers()).toEqual([]);
});

/** A sandbox's whole life, with a hundred lines. */
async function life(index: number): Promise<void> {
  const sandbox = await server.sandbox({ name: `${index}\n` }, { memoryBytes: 32 << 20 });
  const { stdout, end } = await sandbox.sh(`cat name; seq 1 100; exit ${index % 100}`);
  expect(stdout.split('\n')).toEqual([
    String(index),
    ...Array.from({ length: 100 }, (_, line) => String(line + 1)),
    '',
  ]);
  expect(end).toMatchObject({ cause: 'exited', exitCode: index % 100 });
  expect(await sandbox.cleanup()).toBe(true);
}

// Two hundred, through the whole server, are among the tests of the API.
test('thirty sandboxes one after the other leave nothing behind, and lose no line', async () => {
  for (let index = 0; index < 30; index++) await life(index);
});

test('twenty sandboxes at once leave nothing behind, and lose no line', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, index) => life(index)));
});

test('a preparation that is cancelled, at whatever moment, leaves nothing, and ends soon', async () => {
  for (let after = 0; after <= 1000; after += 50) {
    const abort = new AbortController();
    const config = server.config({}, { signal: abort.signal });
    const preparing = server.provider.prepare('solution', server.solution({ a: 'b' }), config).then(
      () => server.provider.cleanup(config.sandboxId),
      (error: unknown) => error,
    );
    await delay(after);
    const started = performance.now();
    abort.abort();
    await preparing;
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(await server.leftovers()).toEqual([]);
  }
});

test('one process is room enough for a program, whatever the engine needs to start it', async () => {
  for (let index = 0; index < 8; index++) {
    const { stdout } = await server.run(['echo', 'alone'], { pids: 1 });
    expect(stdout).toBe('alone\n');
  }
});
