import { closeSync, constants, openSync } from 'node:fs';
import { TestServer } from './support/server.js';
import { until } from './support/until.js';

const tty = { cols: 80, rows: 24 };

let server: TestServer;
beforeAll(() => {
  server = new TestServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});
afterEach(() => {
  expect(server.leftovers()).toEqual([]);
});

/** In 16 processes, since one has too few descriptors for all that the machine has. Says how many it got, and why no more, and keeps them. */
const TAKE_ALL = `import errno, os, time
taken, why = 0, set()
for _ in range(16):
  said, say = os.pipe()
  if os.fork() == 0:
    count = 0
    while True:
      try: os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY); count += 1
      except OSError as e: os.write(say, f'{count} {errno.errorcode[e.errno]}'.encode()); time.sleep(600)
  count, name = os.read(said, 99).decode().split()
  taken += int(count); why.add(name)
print(taken, why, flush=True)
time.sleep(600)`;

test.each([
  ['without a terminal has 16', {}, "16 {'ENOSPC'}"],
  ['in a terminal has 15 more', { tty }, "15 {'ENOSPC'}"],
])('a program %s that takes all it can get, and another sandbox still gets its own', async (_, options, taken) => {
  const [greedy, other] = await Promise.all([server.sandbox(), server.sandbox()]);
  const stop = new AbortController();
  let said = '';
  const run = greedy.run(['python3', '-c', TAKE_ALL], {
    ...options,
    signal: stop.signal,
    killGraceMs: 0,
    timeoutMs: 100_000,
    onChunk: ({ data }) => (said += Buffer.from(data).toString()),
  });
  await until('it has taken all', () => said.endsWith('\n'));
  const { stdout, end } = await other.sh('tty; python3 -c "import os; os.openpty()"', { tty });
  stop.abort();
  expect((await run).end.cause).toBe('stopped');
  expect(said.trim()).toBe(taken);
  expect([stdout, end.exitCode]).toEqual(['/dev/pts/0\r\n', 0]);
  await Promise.all([greedy.cleanup(), other.cleanup()]);
});

test('where none is left a command that asks for one is not started, and the reason is a sentence for a person', async () => {
  const sandbox = await server.sandbox();
  const [, init] = /process (\d+): \/init\/sh /.exec(server.leftovers().join('\n')) ?? [];
  const open = (): number => openSync(`/proc/${init}/root/dev/pts/ptmx`, constants.O_RDWR | constants.O_NOCTTY);
  const taken = Array.from({ length: 16 }, open);
  expect(open).toThrow(expect.objectContaining({ code: 'ENOSPC' }) as Error);
  const { end } = await sandbox.sh('tty', { tty });
  taken.forEach((fd) => closeSync(fd));
  expect(end).toMatchObject({
    cause: 'not-started',
    reason:
      "A terminal could not be made: all of this machine's are in use. Try again later, or raise kernel.pty.max there.",
  });
  const again = await sandbox.sh('tty', { tty });
  expect(again.stdout).toBe('/dev/pts/0\r\n');
  await sandbox.cleanup();
});
