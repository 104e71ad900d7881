import { setTimeout as delay } from 'node:timers/promises';
import { DEBIAN, TestServer } from './support/server.js';

const server = new TestServer();
afterAll(() => server[Symbol.asyncDispose]());

const images = [
  ['Debian', DEBIAN],
  ['BusyBox', 'ergon-test/busybox:1'],
] as const;

test('a program that leaves its outputs non-blocking and full has exited, and nothing of ours is in them', async () => {
  const fill = `import os
for output in (1, 2):
    os.set_blocking(output, False)
    try:
        while True: os.write(output, b"x" * 65536)
    except BlockingIOError: pass
os._exit(5)`;
  const { end, stdout, stderr } = await server.run(['python3', '-c', fill], {}, {}, { image: DEBIAN });
  expect(end).toMatchObject({ cause: 'exited', exitCode: 5, signal: null, reason: null });
  expect(stdout).toMatch(/^x+$/);
  expect(stderr).toMatch(/^x+$/);
});

test('outputs that nobody may open any more carry the end all the same', async () => {
  const { end, stdout } = await server.run(['sh', '-c', 'chmod 0 /proc/self/fd/1 /proc/self/fd/2; echo hi; exit 5']);
  expect(end).toMatchObject({ cause: 'exited', exitCode: 5 });
  expect(stdout).toBe('hi\n');
});

test('a program whose markers cannot be written has exited with the code that the engine tells', async () => {
  const fill = `import os
for output in (1, 2):
    os.set_blocking(output, False)
    os.fchmod(output, 0)
    try:
        while True: os.write(output, b"x" * 65536)
    except BlockingIOError: pass
os._exit(5)`;
  const { end, stderr } = await server.run(['python3', '-c', fill], {}, {}, { image: DEBIAN });
  expect(end).toMatchObject({ cause: 'exited', exitCode: 5, signal: null, reason: null });
  expect(stderr).toMatch(/^x+$/);
});

test.each(images)(
  'with the shell of %s, a program that sends signals to its group and to all of its processes, and outlives them, exits by itself',
  async (_, image) => {
    const script = `trap '' USR1 USR2 ALRM PIPE VTALRM PROF IO XCPU PWR
for signal in USR1 USR2 ALRM PIPE VTALRM PROF IO XCPU PWR; do kill -s $signal 0; kill -s $signal -- -1; done
echo still; exit 3`;
    const { end, stdout } = await server.run(['sh', '-c', script], {}, {}, { image });
    expect(stdout).toBe('still\n');
    expect(end).toMatchObject({ cause: 'exited', exitCode: 3, signal: null });
  },
);

test.each(images)('with the shell of %s, a signal that the program does not outlive is its death', async (_, image) => {
  const { end } = await server.run(['sh', '-c', 'kill -USR1 0; sleep 5'], {}, {}, { image });
  expect(end).toMatchObject({ cause: 'signalled', exitCode: 138, signal: 'SIGUSR1' });
});

test('whatever the program makes of its terminal, its exit code is told, and no word of ours is on it', async () => {
  const sandbox = await server.sandbox({}, {}, { image: DEBIAN });
  for (const [settings, said] of [
    ['olcuc', 'HI\r\n'],
    ['-opost', 'hi\n'],
    ['raw', 'hi\n'],
    ['ocrnl onlret tab3', 'hi\n'],
  ] as const) {
    const command = ['sh', '-c', `stty ${settings}; echo hi; exit 3`];
    const { end, stdout } = await sandbox.run(command, { tty: { cols: 80, rows: 24 } });
    expect(stdout.replace('\r\n', '\n')).toBe(said.replace('\r\n', '\n'));
    expect(end).toMatchObject({ cause: 'exited', exitCode: 3 });
  }
  await sandbox.cleanup();
});

test('a variable that only env(1) can set reaches the program, though PATH leads nowhere', async () => {
  const sandbox = await server.sandbox({}, {}, { environment: { _: 'mine', PATH: '/nowhere' } });
  const { stdout, stderr } = await sandbox.run(['/bin/env']);
  expect(stdout).toMatch(/^PATH=\/nowhere$/m);
  expect(stdout).toMatch(/^_=mine$/m);
  expect(stderr).toBe('');
  await sandbox.cleanup();
});

test('processes that a program leaves behind cannot hide that memory ran out and processes were refused', async () => {
  const script = `import os
if os.fork() == 0:
    hoard = []
    while True: hoard.append(bytearray(1 << 20))
os.wait()
for _ in range(90):
    try:
        if os.fork() == 0:
            while True: pass
    except OSError: pass
os._exit(0)`;
  const limits = { cpus: 0.1, memoryBytes: 40 << 20, timeoutMs: 30_000 };
  const { end } = await server.run(['python3', '-c', script], limits, {}, { image: DEBIAN });
  expect(end).toMatchObject({ cause: 'limit', exitCode: 0 });
  expect(end.limitsHit.map(({ limit }) => limit)).toEqual(['memory', 'pids']);
});

test('a reader that pauses for longer than any wait near the end of a program loses nothing, and gets the true end', async () => {
  const sandbox = await server.sandbox();
  try {
    let bytes = 0;
    for await (const { data } of server.provider.execute(
      sandbox.id,
      ['sh', '-c', 'head -c 1300000 /dev/zero; exit 4'],
      {
        timeoutMs: 60_000,
      },
    )) {
      if (bytes === 0) await delay(4000);
      bytes += data.length;
    }
    expect(bytes).toBe(1_300_000);
    expect(await server.provider.getResult(sandbox.id)).toMatchObject({ cause: 'exited', exitCode: 4 });
  } finally {
    await sandbox.cleanup();
  }
});
