import { SandboxError } from '../src/index.js';
import type { LimitName } from '../src/index.js';
import { changeLimits, resolveLimits } from '../src/config/limits.js';
import { allEvents, makeHouse, until } from './house.js';
import type { House } from './house.js';
import { localCapabilities } from './local-provider.js';

let house: House;
beforeEach(async () => {
  house = await makeHouse({ ceiling: { memoryBytes: 2 * 1024 ** 3, timeoutMs: 3_600_000 } });
  adjustable(['memory', 'cpu', 'wall-time']);
});
afterEach(async () => {
  await house.close();
});

function adjustable(limits: readonly LimitName[]): void {
  house.provider.probeResult = { available: true, capabilities: { ...localCapabilities, adjustable: limits } };
}
const sh = (script: string): string[] => ['sh', '-c', script];

describe('limits that are changed on a live sandbox', () => {
  it('are told to the provider, answered as they are in force, and the rest stays', async () => {
    const sandbox = await house.runner.open('hello', { pidsLimit: 50, timeout: 60 });
    const { limits, notes } = await sandbox.adjust({ memoryLimit: '512m', cpuLimit: 1.5 });
    expect(notes).toEqual([]);
    expect(limits).toMatchObject({ memoryBytes: 512 << 20, cpus: 1.5, pids: 50, timeoutMs: 60_000 });
    expect(house.provider.limited).toEqual([limits]);
    expect((await sandbox.adjust({})).limits).toEqual(limits);
    expect(house.provider.limited).toHaveLength(1);
  });

  it("are lowered to the server's ceiling and to the machine's, with a sentence", async () => {
    const sandbox = await house.runner.open('hello', { memoryLimit: '1g', cpuLimit: 1 });
    const { limits, notes } = await sandbox.adjust({ memoryLimit: '3g', cpuLimit: 64, timeout: 7200 });
    expect(limits).toMatchObject({ memoryBytes: 2 * 1024 ** 3, cpus: 2, timeoutMs: 3_600_000 });
    expect(notes).toEqual([
      "memory_limit was lowered from 3 GiB to the server's ceiling, 2 GiB.",
      "timeout was lowered from 7200 s to the server's ceiling, 3600 s.",
      "cpu_limit was lowered from 64 CPUs to the machine's, 2 CPUs.",
    ]);
  });

  it("are lowered to what the sandbox's services leave of the server's ceiling", async () => {
    const capabilities = { ...localCapabilities, adjustable: ['memory'] as const, services: true };
    house.provider.probeResult = { available: true, capabilities };
    const services = { db: { image: 'x', memory_limit: '512m' } };
    const sandbox = await house.runner.open('hello', { memoryLimit: '1g', services });
    const { limits, notes } = await sandbox.adjust({ memoryLimit: '2g' });
    expect(limits.memoryBytes).toBe(1536 << 20);
    expect(notes).toEqual(["memory_limit was lowered from 2 GiB to the server's ceiling, 1.5 GiB."]);
  });

  it('that the provider cannot change are refused with what it can, and then nothing is changed', async () => {
    const sandbox = await house.runner.open('hello', { memoryLimit: '1g', diskLimit: '100m' });
    await expect(sandbox.adjust({ memoryLimit: '512m', diskLimit: '200m' })).rejects.toMatchObject({
      code: 'SANDBOX009',
      field: 'disk_limit',
      message:
        'disk_limit: local does not change it on a live sandbox. It changes memory_limit, cpu_limit, timeout and output_limit.',
    });
    expect(house.provider.limited).toEqual([]);
    expect((await sandbox.adjust({ diskLimit: '100m' })).limits).toMatchObject({
      memoryBytes: 1 << 30,
      diskBytes: 100 << 20,
    });
  });

  it('are refused where the value is none, or the sandbox is gone', async () => {
    const sandbox = await house.runner.open('hello');
    await expect(sandbox.adjust({ memoryLimit: 'much' })).rejects.toThrow(/memoryLimit: must be a size/);
    await sandbox.cleanup();
    await expect(sandbox.adjust({ cpuLimit: 1 })).rejects.toMatchObject({ code: 'SANDBOX006' });
  });

  it('stay as they were when the provider refuses', async () => {
    const sandbox = await house.runner.open('hello', { memoryLimit: '1g' });
    const refusal = Promise.reject(new SandboxError('SANDBOX008', 'memory_limit: is below what is in use.'));
    refusal.catch(() => undefined);
    house.provider.limiting = refusal;
    await expect(sandbox.adjust({ memoryLimit: '16m' })).rejects.toMatchObject({ code: 'SANDBOX008' });
    house.provider.limiting = Promise.resolve();
    expect((await sandbox.adjust({})).limits.memoryBytes).toBe(1 << 30);
  });

  it('are an event of the run that goes on, and a longer timeout lets it end by itself', async () => {
    const sandbox = await house.runner.open('hello', { timeout: 3 });
    const execution = await sandbox.execute({ command: sh('sleep 4; echo done') });
    await until(() => sandbox.status === 'running');
    await sandbox.adjust({ timeout: 60, memoryLimit: '1g' });
    expect(await execution.result).toMatchObject({ status: 'completed', stdout: 'done\n', limitsHit: [] });
    expect((await allEvents(execution)).filter(({ type }) => type === 'limits')).toMatchObject([
      {
        message: 'The memory limit was changed from 2 GiB to 1 GiB. The wall-time limit was changed from 3 s to 60 s.',
        limits: { memory: 1 << 30, 'wall-time': 60_000 },
      },
    ]);
  });

  it('a timeout that has passed already ends the run, and the result names that one', async () => {
    const sandbox = await house.runner.open('hello', { timeout: 3000 });
    const execution = await sandbox.execute({ command: sh('echo up; exec sleep 1000') });
    await until(async () => (await house.runner.results(sandbox.id)).stdout === 'up\n');
    await sandbox.adjust({ timeout: 0.001 });
    expect(await execution.result).toMatchObject({
      status: 'timeout',
      limitsHit: [{ limit: 'wall-time', value: 1 }],
      errors: ['Execution timeout exceeded'],
    });
  });

  it('a timeout is changed between runs by any provider, and during one by those that claim it', async () => {
    adjustable([]);
    const sandbox = await house.runner.open('hello');
    expect((await sandbox.adjust({ timeout: 0.3 })).limits.timeoutMs).toBe(300);
    const first = await sandbox.execute({ command: ['sleep', '1000'] });
    expect(await first.result).toMatchObject({ status: 'timeout', limitsHit: [{ value: 300 }] });
    await sandbox.adjust({ timeout: 1000 });
    const second = await sandbox.execute({ command: ['sleep', '1000'] });
    await expect(sandbox.adjust({ timeout: 2000 })).rejects.toMatchObject({
      code: 'SANDBOX009',
      message: 'timeout: local does not change it on a live sandbox. It changes none but output_limit.',
    });
    await second.stop();
  });

  it('a lower output limit holds for the run that goes on, and one that was passed is not lifted', async () => {
    const sandbox = await house.runner.open('hello', { outputLimit: '1k' });
    const execution = await sandbox.execute({
      command: sh('printf 12345678; read -r x; echo more; read -r x; echo last'),
      stdin: true,
    });
    await until(async () => (await house.runner.results(sandbox.id)).stdout === '12345678');
    await sandbox.adjust({ outputLimit: '4b' });
    await execution.write(Buffer.from('\n'));
    await until(async () => (await house.runner.results(sandbox.id)).truncated);
    expect((await sandbox.adjust({ outputLimit: '1m' })).limits.outputBytes).toBe(1 << 20);
    await execution.write(Buffer.from('\n'));
    expect(await execution.result).toMatchObject({
      stdout: '12345678',
      truncated: true,
      limitsHit: [{ limit: 'output', value: 4, evidence: '10 bytes came after it and were discarded' }],
    });
    const next = await sandbox.execute({ command: ['echo', 'next'] });
    expect(await next.result).toMatchObject({ stdout: 'next\n', truncated: false });
  });

  it.each([0, 1, 2, 3, 5, 8, 13])(
    'a timeout that is changed while a run is about to start is the one by which it ends (after %d turns)',
    async (turns) => {
      let open = (): void => undefined;
      house.provider.gate = new Promise((resolve) => (open = resolve));
      const sandbox = await house.runner.open('hello', { timeout: 3000 });
      const execution = await sandbox.execute({ command: ['sleep', '1000'] });
      const early = turns === 0 ? sandbox.adjust({ timeout: 0.3, cpuLimit: 1 }) : null;
      open();
      await sandbox.ready;
      for (let turn = 1; turn < turns; turn++) await Promise.resolve();
      await (early ?? sandbox.adjust({ timeout: 0.3, cpuLimit: 1 }));
      expect(await execution.result).toMatchObject({ status: 'timeout', limitsHit: [{ value: 300 }] });
    },
  );

  it('wait for the preparation, and removing the sandbox waits for them', async () => {
    let open = (): void => undefined;
    house.provider.gate = new Promise((resolve) => (open = resolve));
    const sandbox = await house.runner.open('hello');
    const adjusting = sandbox.adjust({ cpuLimit: 1 });
    let go = (): void => undefined;
    house.provider.limiting = new Promise((resolve) => (go = resolve));
    open();
    await sandbox.ready;
    await new Promise((resolve) => setImmediate(resolve));
    const removal = sandbox.cleanup();
    expect(house.provider.boxes.size).toBe(1);
    go();
    await adjusting;
    await removal;
    expect(house.provider.limited).toHaveLength(1);
    expect(house.provider.boxes.size).toBe(0);
  });
});

test('what is not named is neither raised nor lowered by a change of another limit', () => {
  const { limits } = resolveLimits({ diskBytes: 5 << 20 }, {}, {});
  const machine = { cpus: 8, memoryBytes: 8 * 1024 ** 3, diskBytes: 1 << 30 };
  const { changed, limits: after } = changeLimits(limits, { pids: 7 }, {}, machine);
  expect(changed).toEqual(['pids']);
  expect(after).toEqual({ ...limits, pids: 7 });
});
