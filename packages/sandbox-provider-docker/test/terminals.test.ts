import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { docker } from './support/engine.js';
import { BUSYBOX, DEBIAN, TestServer, type TestSandbox } from './support/server.js';
import { makeImage, removeImages } from './support/made-image.js';
import { commandLine } from './support/processes.js';

const BASH = 'ergon-test/bash-as-sh:1';
const tty = { cols: 93, rows: 31 };
const images = [
  ['dash', DEBIAN],
  ['BusyBox', BUSYBOX],
  ['bash', BASH],
] as const;

const server = new TestServer();
beforeAll(() => makeImage(BASH, { from: DEBIAN, script: 'ln -sf bash /bin/sh' }));
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await removeImages(BASH);
});

const boxes = new Map<string, Promise<TestSandbox>>();
const box = (image: string): Promise<TestSandbox> => {
  const made = boxes.get(image) ?? server.sandbox({}, { pids: 10 }, { image });
  boxes.set(image, made);
  return made;
};

/** Of all processes that there are now. */
const commandLines = (): string =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLine(Number(pid)).join(' '))
    .join('\n');

test.each(images)(
  'with the shell of %s, a program in a terminal has its variables, and nobody else reads them in a command line or an announcement',
  async (_, image) => {
    const sandbox = await box(image);
    const secret = `S3CR3T-${process.pid}-${image.length}`;
    const since = Math.floor(Date.now() / 1000);
    let seen: string | null = null;
    const { stdout, end } = await sandbox.run(['sh', '-c', 'echo "[$TOKEN]"; sleep 0.5; stty size; exit 3'], {
      tty,
      environment: { TOKEN: secret },
      onChunk: () => (seen ??= commandLines()),
    });
    expect(end).toMatchObject({ cause: 'exited', exitCode: 3, reason: null });
    expect(stdout).toBe(`[${secret}]\r\n31 93\r\n`);
    expect(seen).toContain('stty size');
    expect(seen).not.toContain(secret);
    const until = Math.floor(Date.now() / 1000) + 1;
    const events = await text(await docker.getEvents({ since, until }));
    expect(events).toContain('exec_start');
    expect(events).not.toContain(secret);
  },
);

test.each(images)('with the shell of %s, a program in a terminal has variables of any size', async (_, image) => {
  const sandbox = await box(image);
  const environment = Object.fromEntries(Array.from({ length: 8 }, (__, index) => [`V${index}`, 'x'.repeat(20_000)]));
  const { stdout, end } = await sandbox.run(['sh', '-c', 'echo "${#V0} ${#V7}"; exit 4'], { tty, environment });
  expect(stdout).toBe('20000 20000\r\n');
  expect(end).toMatchObject({ cause: 'exited', exitCode: 4 });
});

test('a variable that is too long for the kernel is told as what kept a program from its start', async () => {
  const environment = { LONG: 'x'.repeat(200_000) };
  const { end } = await (await box(DEBIAN)).run(['env'], { tty, environment });
  expect(end).toMatchObject({
    cause: 'not-started',
    exitCode: null,
    reason: expect.stringMatching(/too long/) as string,
  });
});

test('a program that forks at once in a terminal gets no more processes than its limit', async () => {
  const sandbox = await box(DEBIAN);
  const script = `import os, time
n = 0
try:
    while True:
        if os.fork() == 0: time.sleep(9); os._exit(0)
        n += 1
except OSError: print(n)`;
  for (let round = 0; round < 4; round += 1) {
    const { stdout, end } = await sandbox.run(['python3', '-c', script], { tty });
    expect(Number(stdout)).toBe(9); // and itself
    expect(end.limitsHit.map(({ limit }) => limit)).toEqual(['pids']);
  }
});

test.each(['abc', 'abc\n', 'abc\x04', ''])('the input %j on a terminal ends as it ends elsewhere', async (input) => {
  const sandbox = await box(BUSYBOX);
  const stdin = (async function* () {
    await Promise.resolve();
    yield Buffer.from(input);
  })();
  const { stdout, end } = await sandbox.run(['sh', '-c', 'cat; exit 6'], {
    tty,
    stdin,
    timeoutMs: 8000,
  });
  expect(stdout).toContain(input.replace('\x04', '').trim());
  expect(end).toMatchObject({ cause: 'exited', exitCode: 6 });
});

test('what waited for its terminal is no process of the program', async () => {
  const sandbox = await box(BUSYBOX);
  const { stdout } = await sandbox.run(['sh', '-c', 'cat /proc/[0-9]*/stat'], { tty });
  // Each that the engine starts has a parent outside, number 0; what the others' children are just doing is theirs.
  const states = [...stdout.matchAll(/\) (\w) 0 /g)].map(([, state]) => state);
  expect(states).toContain('S');
  expect(states).not.toContain('T');
  expect(states).not.toContain('Z');
});
