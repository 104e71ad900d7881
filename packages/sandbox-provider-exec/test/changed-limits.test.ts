import { cgroups, TestServer, type Run, type TestSandbox } from './support/server.js';
import { until } from './support/until.js';

const MiB = 1 << 20;
let server: TestServer;
let sandbox: TestSandbox;
beforeAll(async () => {
  server = new TestServer();
  await server.provider.probe();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  sandbox = await server.sandbox({}, { memoryBytes: 256 * MiB, pids: 40, cpus: 1 });
});
afterEach(async () => {
  await sandbox.cleanup();
  expect(server.leftovers()).toEqual([]);
});

const adjust = (limits: object): Promise<void> =>
  server.provider.adjust(sandbox.id, { ...sandbox.config.limits, ...limits });

/** A program that says `up`, and goes on at our word. */
interface Running {
  readonly up: Promise<void>;
  go(): void;
  readonly run: Promise<Run>;
}

function start(python: string): Running {
  let go = (): void => undefined;
  let up = (): void => undefined;
  const isUp = new Promise<void>((resolve) => (up = resolve));
  const word = new Promise<void>((resolve) => (go = resolve));
  async function* stdin(): AsyncGenerator<Uint8Array> {
    await word;
    yield Buffer.from('\n');
  }
  const run = sandbox.run(['python3', '-uc', python], {
    stdin: stdin(),
    onChunk: ({ data }) => {
      if (Buffer.from(data).includes('up')) up();
    },
  });
  return { up: Promise.race([isUp, run.then(() => undefined)]), go: () => go(), run };
}

/** Whether limits of a live sandbox can be changed here: else they are refused, and that is all there is to see. */
async function changed(limits: object): Promise<boolean> {
  if (cgroups !== 'none') {
    await adjust(limits);
    return true;
  }
  await expect(adjust(limits)).rejects.toMatchObject({ code: 'SANDBOX009' });
  return false;
}

test('what can be changed here is claimed', async () => {
  const probe = await server.provider.probe();
  expect(probe.available && probe.capabilities.adjustable).toEqual(
    cgroups === 'none' ? ['wall-time'] : ['memory', 'cpu', 'pids', 'wall-time'],
  );
});

test('a memory limit that is raised lets a running program have more, and the next one, too', async () => {
  const allocate = [
    'import sys, time; print("up"); sys.stdin.readline(); x = b"x" * (350 << 20); print("has", len(x) >> 20)',
    ...(cgroups === 'none' ? ['time.sleep(10)'] : []), // what watches it looks now and then
  ].join('\n');
  const running = start(allocate);
  await running.up;
  const has = await changed({ memoryBytes: 512 * MiB });
  running.go();
  const expected = has ? { stdout: 'up\nhas 350\n' } : { end: { cause: 'limit' } };
  expect(await running.run).toMatchObject(expected);
  const next = start(allocate);
  next.go();
  expect(await next.run).toMatchObject(expected);
});

test('a memory limit that is lowered is the one that a running program meets, and the end names it', async () => {
  const running = start(
    'import sys, time; print("up"); sys.stdin.readline(); x = b"x" * (150 << 20); print("has it"); time.sleep(0.5)',
  );
  await running.up;
  const has = await changed({ memoryBytes: 100 * MiB });
  running.go();
  const { end } = await running.run;
  expect(end).toMatchObject(
    has ? { cause: 'limit', limitsHit: [{ limit: 'memory', value: 100 * MiB }] } : { cause: 'exited', limitsHit: [] },
  );
});

test('a memory limit below what is in use is refused, ends nothing, and changes nothing', async () => {
  const running = start(
    [
      'import os, sys, signal',
      'x = b"x" * (150 << 20)',
      'print("up")',
      'sys.stdin.readline()',
      'y = b"y" * (50 << 20)', // what the old limit still allows
      'print("alive", len(x) + len(y) >> 20)',
    ].join('\n'),
  );
  await running.up;
  await until(
    'the kernel counts its memory',
    async () => ((await server.provider.usage(sandbox.id)).memoryBytes ?? 0) > 150 * MiB,
  );
  await expect(adjust({ memoryBytes: 100 * MiB, pids: 3 })).rejects.toMatchObject(
    cgroups === 'none'
      ? { code: 'SANDBOX009' }
      : {
          code: 'SANDBOX008',
          field: 'memory_limit',
          message: expect.stringMatching(
            /^memory_limit: 100 MiB is below what the sandbox has in use now, 1\d\d/,
          ) as string,
        },
  );
  running.go();
  expect(await running.run).toMatchObject({ stdout: 'up\nalive 200\n', end: { cause: 'exited', limitsHit: [] } });
});

test('a limit that was met before it was changed is told with the value that it had then', async () => {
  const running = start(
    [
      'import os, signal, sys',
      'def full(wanted):',
      '  try:',
      '    for _ in range(wanted):',
      '      if os.fork() == 0: signal.pause()',
      '  except BlockingIOError: print("refused")',
      'full(60)',
      'print("up")',
      'sys.stdin.readline()',
      'full(60)',
    ].join('\n'),
  );
  await running.up;
  const has = await changed({ pids: 60 });
  running.go();
  const { end } = await running.run;
  const hits = end.limitsHit.map(({ limit, value }) => [limit, value]);
  // Without groups it is seen only by looking, and may be missed.
  if (has) {
    expect(hits).toEqual([
      ['pids', 40],
      ['pids', 60],
    ]);
  } else expect(hits).not.toContainEqual(['pids', 60]);
});

test('a share of the CPU that is lowered between runs holds for the next, and for the one after it', async () => {
  const has = await changed({ cpus: 0.2 });
  const spin = 'import time; end = time.monotonic() + 2\nwhile time.monotonic() < end: pass';
  for (let round = 0; round < 2; round++) {
    const { end } = await sandbox.run(['python3', '-c', spin]);
    const share = (end.usage.cpuTimeMs ?? NaN) / 2000;
    if (has) expect(share).toBeLessThan(0.45);
    else expect(share).toBeGreaterThan(0);
  }
});

test('the time of a run can be changed everywhere', async () => {
  const running = start('print("up"); import time; time.sleep(1000)');
  await running.up;
  await adjust({ timeoutMs: 1 });
  expect((await running.run).end.cause).toBe('timeout');
});
