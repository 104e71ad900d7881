import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SandboxFactory, SandboxRunner, type Execution, type ExecutionEvent } from '@ergon/sandbox-core';
import { docker } from './support/engine.js';
import { Registry } from './support/registry.js';
import { TestServer } from './support/server.js';
import { until } from './support/until.js';

jest.setTimeout(180_000);

const MB = 1_000_000;
let registry: Registry;
let slow: Registry;
let server: TestServer;
let runner: SandboxRunner;
const dataDir = mkdtempSync(join(tmpdir(), 'ergon-pull-run-'));
beforeAll(async () => {
  registry = await Registry.launch();
  slow = await registry.again({ bytesPerSecond: MB });
  server = new TestServer({ pull: { from: [slow.host] } });
  runner = await SandboxRunner.start({
    dataDir,
    factory: new SandboxFactory().register(server.provider),
    registry: {
      getSolution: (id) => {
        const content = { code: '', main_file: 'none', run_command: ['stat', '-c', '%s', '/layer'] };
        return Promise.resolve({ id, name: id, version: '1', content });
      },
      recordTestResult: () => Promise.resolve(),
    },
  });
});
afterAll(async () => {
  await runner.close();
  await server[Symbol.asyncDispose]();
  for (const each of [slow, registry]) await each[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true });
});

async function allEvents(execution: Execution): Promise<ExecutionEvent[]> {
  const all: ExecutionEvent[] = [];
  for await (const batch of execution.events()) all.push(...batch);
  return all;
}

/** By type, and phase where there is one; what follows its like is left out. */
function outline(events: readonly ExecutionEvent[]): string[] {
  const names = events.map((each) => ('phase' in each ? `${each.type} ${String(each.phase)}` : each.type));
  return names.filter((name, n) => name !== names[n - 1] && /pull|unpack|line|end/.test(name));
}

test('the log of a run shows the pull that it waited for, before its output', async () => {
  await registry.offer('team/run', { bytes: 3 * MB });
  const image = `${slow.host}/team/run:1`;
  const sandbox = await runner.open('size', { image });
  const execution = await sandbox.execute();
  const events = await allEvents(execution);
  const [begun, ...rest] = outline(events);
  expect(begun).toBe('phase pulling');
  expect(rest.slice(-4)).toEqual(['phase pulled', 'line', 'phase ended', 'end']);
  expect(new Set(rest.slice(0, -4))).toEqual(new Set(['progress pulling', 'progress unpacking']));
  expect((await execution.result).stdout).toBe(`${3 * MB}\n`);
});

test('a run whose image cannot be had did not start, and its result says why', async () => {
  const image = `${slow.host}/team/none:1`;
  const sandbox = await runner.open('size', { image });
  const { status, cause, errors } = await (await sandbox.execute()).result;
  expect({ status, cause }).toEqual({ status: 'failed', cause: 'not-started' });
  expect(errors.join()).toContain(`The registry "${slow.host}" has no such image: is "${image}" spelled right?`);
});

test('a sandbox that is removed in the middle of a pull ends its run as stopped, and the pull with it', async () => {
  const layer = await registry.layer(await registry.offer('team/removed', { bytes: 30 * MB }));
  const image = `${slow.host}/team/removed:1`;
  const sandbox = await runner.open('size', { image });
  const execution = await sandbox.execute();
  await until('the layer is asked for', () => slow.count('asked', layer.digest) === 1);
  await sandbox.cleanup();
  expect(await execution.result).toMatchObject({ cause: 'stopped', exitCode: null });
  await until('the registry is let go', () => slow.count('cut', layer.digest) === 1);
  await expect(docker.getImage(image).inspect()).rejects.toMatchObject({ statusCode: 404 });
});
