import { memoryEvidence, TestServer, type TestSandbox } from './support/server.js';

let server: TestServer;
let sandbox: TestSandbox;
beforeAll(() => {
  server = new TestServer();
});
beforeEach(async () => {
  sandbox = await server.sandbox({}, { memoryBytes: 256 << 20, pids: 48 });
});
/** Whatever a program did: its sandbox can run another one afterwards, and nothing is left when it is removed. */
afterEach(async () => {
  const { stdout, end } = await sandbox.sh('echo still here');
  expect({ stdout, cause: end.cause }).toEqual({ stdout: 'still here\n', cause: 'exited' });
  expect(await sandbox.cleanup()).toBe(true);
  expect(server.leftovers()).toEqual([]);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test('a fork bomb meets the limit of processes and ends at the timeout', async () => {
  const bomb = 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass';
  const run = await sandbox.run(['python3', '-c', bomb], { timeoutMs: 3000, killGraceMs: 200 });
  expect(run.end.cause).toBe('timeout');
  expect(run.end.exitCode).toBeNull();
  expect(run.end.limitsHit.map(({ limit }) => limit)).toContain('pids');
  expect(run.wallMs).toBeLessThan(30_000);
});

test('an endless printer ends at the timeout, and what it printed arrives', async () => {
  let bytes = 0;
  const started = performance.now();
  const output = server.provider.execute(sandbox.id, ['sh', '-c', 'yes'], { timeoutMs: 2000 });
  for await (const { data } of output) bytes += data.length; // more than a string holds
  expect((await server.provider.getResult(sandbox.id)).cause).toBe('timeout');
  expect(bytes).toBeGreaterThan(1 << 20);
  expect(performance.now() - started).toBeLessThan(30_000);
});

test('an endless printer that nobody reads waits, and can be stopped', async () => {
  const stop = new AbortController();
  const output = server.provider.execute(sandbox.id, ['sh', '-c', 'yes'], { timeoutMs: 60_000, signal: stop.signal });
  const reader = output[Symbol.asyncIterator]();
  await reader.next();
  await standsStill(sandbox.id);
  stop.abort();
  let bytes = 0;
  for (let next = await reader.next(); next.done !== true; next = await reader.next()) bytes += next.value.data.length;
  expect((await server.provider.getResult(sandbox.id)).cause).toBe('stopped');
  expect(bytes).toBeLessThan(4 << 20); // what was read ahead and what the pipe held, not all that `yes` can print
});

test('a line of 200 MB arrives whole', async () => {
  let bytes = 0;
  let only = true;
  const script = 'head -c 200000000 /dev/zero | tr "\\0" x';
  const output = server.provider.execute(sandbox.id, ['sh', '-c', script], { timeoutMs: 60_000 });
  for await (const { data } of output) {
    bytes += data.length;
    only &&= data[0] === 0x78 && data.at(-1) === 0x78;
  }
  expect({ bytes, only }).toEqual({ bytes: 200_000_000, only: true });
  expect((await server.provider.getResult(sandbox.id)).exitCode).toBe(0);
});

test('a program that ignores SIGTERM is killed after the grace', async () => {
  const run = await sandbox.sh('trap "" TERM; echo up; while :; do sleep 1; done', {
    timeoutMs: 3000,
    killGraceMs: 400,
  });
  expect(run.stdout).toBe('up\n');
  expect(run.end).toMatchObject({ cause: 'timeout', exitCode: null });
  expect(run.wallMs).toBeGreaterThan(3350);
  expect(run.wallMs).toBeLessThan(30_000);
});

test('a program that heeds SIGTERM ends with its own exit code, and its last words arrive', async () => {
  const run = await sandbox.sh('trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.05; done', {
    timeoutMs: 3000,
    killGraceMs: 30_000,
  });
  expect(run.stdout).toBe('up\nbye\n');
  expect(run.end).toMatchObject({ cause: 'timeout', exitCode: 7 });
});

test('a daemon does not outlive the program that started it', async () => {
  const run = await sandbox.sh(
    '(setsid sh -c "trap \\"\\" HUP TERM; while :; do sleep 100; done" >/dev/null 2>&1 &) ; echo main done',
  );
  expect(run.stdout).toBe('main done\n');
  expect(run.end).toMatchObject({ cause: 'exited', exitCode: 0 });
  expect(run.wallMs).toBeLessThan(30_000);
});

test('orphans that end are reaped: hundreds of them do not use up the limit of processes', async () => {
  const orphans = `import os, time
for i in range(300):
  if os.fork() == 0:
    if os.fork() == 0: os._exit(0)
    os._exit(0)
  os.wait()
deadline = time.time() + 30
while time.time() < deadline and len([p for p in os.listdir('/proc') if p.isdigit()]) > 2: time.sleep(0.01)
print(sorted(int(p) for p in os.listdir('/proc') if p.isdigit())[0], len([p for p in os.listdir('/proc') if p.isdigit()]))`;
  const { stdout, stderr } = await sandbox.run(['python3', '-c', orphans]);
  expect({ stdout, stderr }).toEqual({ stdout: '1 2\n', stderr: '' });
});

test('a grandchild that holds the output pipes does not hold the end', async () => {
  const run = await sandbox.sh('(setsid sh -c "trap \\"\\" HUP TERM; sleep 1000; echo late" &) ; echo main done');
  expect(run.stdout).toBe('main done\n');
  expect(run.end).toMatchObject({ cause: 'exited', exitCode: 0 });
  expect(run.wallMs).toBeLessThan(30_000);
});

test('a stop ends the whole tree: those that left the session, ignore SIGTERM, and hold the pipes', async () => {
  const stop = new AbortController();
  const family = `trap '' TERM
    (trap '' TERM HUP; while :; do sleep 1000; done) &
    setsid sh -c 'trap "" TERM; while :; do sleep 1000; done' &
    (setsid sh -c '(setsid sleep 100000) & sleep 100000' &)
    echo started; while :; do sleep 1000; done`;
  const run = await sandbox.run(['sh', '-c', family], {
    signal: stop.signal,
    killGraceMs: 300,
    onChunk: () => stop.abort(),
  });
  expect(run.end).toMatchObject({ cause: 'stopped', exitCode: null });
  expect(run.wallMs).toBeLessThan(30_000);
  const ownProcesses = server.leftovers().filter((line) => line.includes('sleep'));
  expect(ownProcesses).toEqual([]);
});

test('a program that kills all it can reach ends only itself', async () => {
  const run = await sandbox.sh('kill -9 -1; kill -9 1; echo alive');
  const again = await sandbox.sh('kill -9 1; echo init cannot be killed');
  expect(run.stdout).toBe('alive\n');
  expect(again.stdout).toBe('init cannot be killed\n');
});

test('a program that uses up its memory is ended, and the result names the limit', async () => {
  const run = await sandbox.run(['python3', '-c', 'x = []\nwhile True: x.append(bytearray(16 << 20))']);
  expect(run.end.cause).toBe('limit');
  expect(run.end.limitsHit).toEqual([
    {
      limit: 'memory',
      value: 256 << 20,
      evidence: expect.stringMatching(memoryEvidence) as string,
    },
  ]);
  expect(run.wallMs).toBeLessThan(30_000);
});

/** Waits until the sandbox's program has used no CPU between two looks. */
async function standsStill(sandboxId: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (let last = -1; performance.now() < deadline;) {
    const { cpuTimeMs } = await server.provider.usage(sandboxId);
    if (cpuTimeMs !== null && cpuTimeMs === last) return;
    last = cpuTimeMs ?? -1;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error('It goes on working.');
}
