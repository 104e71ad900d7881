import { docker } from './support/engine.js';
import { DEBIAN, TestServer, type Run, type TestSandbox } from './support/server.js';
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
  sandbox = await server.sandbox({}, { memoryBytes: 256 * MiB, pids: 40, cpus: 1 }, { image: DEBIAN });
});
afterEach(async () => {
  await sandbox.cleanup();
  expect(await server.leftovers()).toEqual([]);
});

const adjust = (limits: object): Promise<void> =>
  server.provider.adjust(sandbox.id, { ...sandbox.config.limits, ...limits });

/** A program that says `up`, and goes on at our word. */
interface Running {
  readonly up: Promise<void>;
  /** @param line for its stdin */
  go(line?: string): void;
  readonly run: Promise<Run>;
}

function start(python: string): Running {
  let go = (_line: string): void => undefined;
  let up = (): void => undefined;
  const isUp = new Promise<void>((resolve) => (up = resolve));
  const word = new Promise<string>((resolve) => (go = resolve));
  async function* stdin(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`${await word}\n`);
  }
  const run = sandbox.run(['python3', '-uc', python], {
    stdin: stdin(),
    onChunk: ({ data }) => {
      if (Buffer.from(data).includes('up')) up();
    },
  });
  return { up: Promise.race([isUp, run.then(() => undefined)]), go: (line = '') => go(line), run };
}

/** What the kernel has for the containers of the sandbox's commands. */
async function inKernel(): Promise<string[]> {
  const label = [`org.ergon.sandbox.sandbox=${sandbox.id}`, 'org.ergon.sandbox.role=run'];
  const containers = await docker.listContainers({ filters: { label } });
  const found = await Promise.all(
    containers.map(async ({ Id }) => {
      const { HostConfig } = await docker.getContainer(Id).inspect();
      return `${HostConfig.Memory ?? 0} ${HostConfig.NanoCpus ?? 0} ${HostConfig.PidsLimit ?? 0}`;
    }),
  );
  return found.sort();
}

test('a memory limit that is raised lets a running program have more, and the next one, too', async () => {
  const allocate = 'import sys; print("up"); sys.stdin.readline(); x = b"x" * (350 << 20); print("has", len(x) >> 20)';
  const running = start(allocate);
  await running.up;
  await adjust({ memoryBytes: 512 * MiB });
  running.go();
  expect(await running.run).toMatchObject({ stdout: 'up\nhas 350\n', end: { cause: 'exited', limitsHit: [] } });
  const next = start(allocate);
  next.go();
  expect(await next.run).toMatchObject({ stdout: 'up\nhas 350\n', end: { cause: 'exited', limitsHit: [] } });
});

test('a memory limit that is lowered is the one that a running program meets, and the end names it', async () => {
  const running = start('import sys; print("up"); sys.stdin.readline(); x = b"x" * (150 << 20); print("has it")');
  await running.up;
  await adjust({ memoryBytes: 100 * MiB });
  running.go();
  const { stdout, end } = await running.run;
  expect(stdout).toBe('up\n');
  expect(end).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'memory', value: 100 * MiB }] });
});

test('a memory limit below what is in use is refused with what that is, ends nothing, and changes nothing', async () => {
  const running = start(
    'import sys; x = b"x" * (150 << 20); print("up"); sys.stdin.readline(); print("alive", len(x))',
  );
  await running.up;
  await until('the kernel counts its memory', async () => {
    const { memoryBytes } = await server.provider.usage(sandbox.id);
    return (memoryBytes ?? 0) > 150 * MiB;
  });
  const before = await inKernel();
  await expect(adjust({ memoryBytes: 100 * MiB, pids: 9 })).rejects.toMatchObject({
    code: 'SANDBOX008',
    field: 'memory_limit',
    message: expect.stringMatching(
      /^memory_limit: 100 MiB is below what the sandbox has in use now, 1\d\d(\.\d+)? MiB\.$/,
    ) as string,
  });
  expect(await inKernel()).toEqual(before);
  running.go();
  expect(await running.run).toMatchObject({
    stdout: `up\nalive ${150 * MiB}\n`,
    end: { cause: 'exited', limitsHit: [] },
  });
});

test('a limit that was met before it was changed is told with the value that it had then', async () => {
  const fork = [
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
  ].join('\n');
  const running = start(fork);
  await running.up;
  await adjust({ pids: 60 });
  running.go();
  const { stdout, end } = await running.run;
  expect(stdout).toBe('refused\nup\nrefused\n');
  expect(end.limitsHit.map(({ limit, value }) => [limit, value])).toEqual([
    ['pids', 40],
    ['pids', 60],
  ]);
});

test('all of them hold for the container that waits, and for those that are made later', async () => {
  const ours = 5;
  await adjust({ memoryBytes: 128 * MiB, cpus: 0.5, pids: 20 });
  const expected = [`${128 * MiB} 500000000 ${20 + ours}`];
  expect(await inKernel()).toEqual(expected);
  const limits = await sandbox.sh(
    'cd /sys/fs/cgroup; cat memory.max memory/memory.limit_in_bytes pids.max pids/pids.max cpu/cpu.cfs_quota_us 2>/dev/null; cut -d" " -f1 cpu.max 2>/dev/null',
  );
  expect(limits.stdout.trim().split('\n')).toEqual([`${128 * MiB}`, `${20 + ours}`, '50000']);
  // While its shell is being started, it has room for the threads of what starts it.
  await until('the next one waits with them', async () => (await inKernel()).join() === expected.join());
});

test('the time of a run can be given more, and less', async () => {
  const shorter = start('print("up"); import time; time.sleep(1000)');
  await shorter.up;
  await adjust({ timeoutMs: 1 });
  expect((await shorter.run).end.cause).toBe('timeout');
});

test('an unknown sandbox is none', async () => {
  await expect(server.provider.adjust('nobody', sandbox.config.limits)).rejects.toMatchObject({ code: 'SANDBOX006' });
});
