import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { ExecuteOptions, ExecutionEnd, OutputChunk, TtySize } from '@ergon/sandbox-core';
import { TestServer, type TestSandbox } from './support/server.js';
import { until } from './support/until.js';

const size: TtySize = { cols: 91, rows: 33 };

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

/** A program in a terminal, with someone before it who reads, types and moves the window's edge. */
class Screen {
  text = '';
  readonly ended: Promise<ExecutionEnd>;
  readonly #keys = new Queue<Uint8Array>();
  readonly #sizes = new Queue<TtySize>();

  constructor(sandbox: TestSandbox, command: readonly string[], options: Partial<ExecuteOptions> = {}) {
    const onChunk = ({ data }: OutputChunk): void => {
      this.text += Buffer.from(data).toString('latin1');
    };
    const tty = { ...size, resizes: this.#sizes };
    this.ended = sandbox.run(command, { tty, stdin: this.#keys, onChunk, ...options }).then(({ stderr, end }) => {
      expect(stderr).toBe('');
      return end;
    });
  }

  type(keys: string | Uint8Array): void {
    this.#keys.put(Buffer.from(keys));
  }

  closeInput(): void {
    this.#keys.end();
  }

  resize(cols: number, rows: number): void {
    this.#sizes.put({ cols, rows });
  }

  shows(what: RegExp): Promise<void> {
    return until(`the screen shows ${what}: ${JSON.stringify(this.text)}`, () => what.test(this.text));
  }
}

/** What is put in comes out, in order; the end once it was ended. */
class Queue<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  put(value: T): void {
    this.#values.push(value);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const value = this.#values.shift();
      if (value !== undefined) yield value;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** One program in a terminal and a sandbox of its own; what it shows and how it ends. */
async function show(
  command: readonly string[],
  act: (screen: Screen) => Promise<void> | void = () => undefined,
  files: Readonly<Record<string, string>> = {},
): Promise<{ text: string; end: ExecutionEnd }> {
  const sandbox = await server.sandbox(files);
  try {
    const screen = new Screen(sandbox, command);
    await act(screen);
    const end = await screen.ended;
    return { text: screen.text, end };
  } finally {
    await sandbox.cleanup();
  }
}

const sh = (script: string): readonly string[] => ['sh', '-c', script];

describe('what a program finds', () => {
  test('is a terminal on all three streams, of the size that was asked for, the one of its session, by its path too', async () => {
    const look = `import os, sys
print([os.isatty(fd) for fd in (0, 1, 2)], os.get_terminal_size(), {os.ttyname(fd) for fd in (0, 1, 2)})
print(os.getsid(0) == os.getpid() == os.tcgetpgrp(0), os.environ['TERM'])
with open('/dev/tty', 'w') as tty: print('by /dev/tty', file=tty)
with open(os.ttyname(0), 'w') as tty: print('by its path', file=tty)`;
    const { text, end } = await show(['python3', '-c', look]);
    expect(text.split('\r\n')).toEqual([
      "[True, True, True] os.terminal_size(columns=91, lines=33) {'/dev/pts/0'}",
      'True xterm-256color',
      'by /dev/tty',
      'by its path',
      '',
    ]);
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0 });
  });

  test('is itself and its init, and no process more', async () => {
    const { text } = await show(sh('set -- /proc/[0-9]*; echo "$@"'));
    expect(text).toBe('/proc/1 /proc/2\r\n');
  });

  test('is its streams, and no descriptor more', async () => {
    const sandbox = await server.sandbox();
    const list = sh('for fd in /proc/$$/fd/*; do echo "${fd##*/}"; done');
    const without = await sandbox.run(list);
    const screen = new Screen(sandbox, list);
    await screen.ended;
    expect(screen.text).toBe(without.stdout.replaceAll('\n', '\r\n'));
    await sandbox.cleanup();
  });

  test('is none of the terminals of the host', async () => {
    const hosts = readFileSync('/proc/self/mountinfo', 'utf8');
    const { text } = await show(
      sh('grep " /dev/pts " /proc/self/mountinfo | cut -d" " -f3; printf "%s\\n" /dev/pts/*'),
    );
    const [device = '', ...names] = text.trim().split('\r\n');
    expect(device).toMatch(/^0:\d+$/);
    expect(hosts).not.toMatch(new RegExp(`^\\d+ \\d+ ${device} `, 'm'));
    expect(names).toEqual(['/dev/pts/0', '/dev/pts/ptmx']);
  });

  test('may have another TERM from the caller', async () => {
    const sandbox = await server.sandbox();
    const screen = new Screen(sandbox, sh('echo $TERM'), { environment: { TERM: 'dumb' } });
    await screen.ended;
    expect(screen.text).toBe('dumb\r\n');
    await sandbox.cleanup();
  });

  test('is nothing that types for it: TIOCSTI and TIOCLINUX are refused', async () => {
    const type = `import fcntl, termios
for call in (termios.TIOCSTI, 0x541C):
  try: fcntl.ioctl(0, call, b'x'); print('typed')
  except OSError as e: print(e.strerror)`;
    const { text } = await show(['python3', '-c', type]);
    expect(text).toBe('Operation not permitted\r\nOperation not permitted\r\n');
  });

  test('leaves room for as many processes as without a terminal', async () => {
    const fork = 'import os, time\nn = 0\ntry:\n  while os.fork(): n += 1\n  time.sleep(60)\nexcept OSError: print(n)';
    for (const pids of [1, 5]) {
      const sandbox = await server.sandbox({ 'fork.py': fork }, { pids });
      const without = await sandbox.run(['python3', 'fork.py']);
      const screen = new Screen(sandbox, ['python3', 'fork.py']);
      expect(await screen.ended).toMatchObject({ cause: 'exited', exitCode: 0 });
      expect(screen.text.trim()).toBe(without.stdout.trim());
      expect(screen.text.trim()).toBe(String(pids - 1));
      await sandbox.cleanup();
    }
  });
});

describe('how a program ended', () => {
  test.each([0, 1, 126, 127, 130, 137, 139, 255])('exit %i is an exit with that number', async (code) => {
    const { end, text } = await show(sh(`exit ${code}`));
    expect(end).toMatchObject({ cause: 'exited', exitCode: code, signal: null, limitsHit: [] });
    expect(text).toBe('');
  });

  test.each(['SIGSEGV', 'SIGKILL', 'SIGHUP', 'SIGTERM'] as const)('%s is a death by that signal', async (signal) => {
    const { end, text } = await show(['python3', '-c', `import os, signal; os.kill(os.getpid(), signal.${signal})`]);
    expect(end).toMatchObject({ cause: 'signalled', signal, exitCode: 128 + constants.signals[signal] });
    expect(text).toBe('');
  });

  test.each([
    ['that is nowhere', ['no-such-program'], /"no-such-program" was not found/],
    ['that is not executable', ['./main.txt'], /not executable/],
    ['that is a word of the shell', ['cd'], /was not found/],
  ])('a program %s is not started, and the sandbox can run again', async (_, command, reason) => {
    const sandbox = await server.sandbox({ 'main.txt': 'text' });
    expect(await new Screen(sandbox, command).ended).toMatchObject({
      cause: 'not-started',
      exitCode: null,
      reason: expect.stringMatching(reason) as string,
    });
    const screen = new Screen(sandbox, ['echo', 'again']);
    expect(await screen.ended).toMatchObject({ cause: 'exited', exitCode: 0 });
    expect(screen.text).toBe('again\r\n');
    await sandbox.cleanup();
  });

  test.each(['timeout', 'stopped'] as const)('%s ends the whole tree, what was detached too', async (cause) => {
    const sandbox = await server.sandbox();
    const stop = new AbortController();
    const script =
      "trap '' TERM HUP; nohup sleep 1001 & setsid sleep 1001 & (setsid sh -c 'trap \"\" TERM HUP; sleep 1001') & echo up; wait; wait; wait";
    const screen = new Screen(sandbox, sh(script), {
      timeoutMs: cause === 'timeout' ? 4000 : 60_000,
      killGraceMs: 200,
      signal: stop.signal,
    });
    await until('all run', () => server.leftovers().filter((line) => line.includes('sleep 1001')).length >= 4);
    if (cause === 'stopped') stop.abort();
    expect(await screen.ended).toMatchObject({ cause, exitCode: null });
    expect(server.leftovers().filter((line) => line.includes('sleep 1001'))).toEqual([]);
    const again = new Screen(sandbox, ['echo', 'again']);
    expect(await again.ended).toMatchObject({ cause: 'exited', exitCode: 0 });
    await sandbox.cleanup();
  });

  test('a cleanup while it runs leaves nothing', async () => {
    const sandbox = await server.sandbox();
    const screen = new Screen(sandbox, sh("trap '' TERM HUP; echo up; sleep 1002"), { killGraceMs: 100 });
    const ended = screen.ended.catch((error: unknown) => error);
    await screen.shows(/up/);
    expect(await sandbox.cleanup()).toBe(true);
    expect(server.leftovers()).toEqual([]);
    await ended;
  });

  test('a program whose terminal goes away gets SIGHUP, and that is told', async () => {
    const sandbox = await server.sandbox();
    const screen = new Screen(sandbox, sh('echo up; while :; do sleep 0.05; done'));
    await screen.shows(/up/);
    for (const line of server.leftovers()) {
      const pid = /^process (\d+): (?:perl|cat) /.exec(line)?.[1];
      if (pid !== undefined) process.kill(Number(pid), 'SIGKILL');
    }
    expect(await screen.ended).toMatchObject({ cause: 'signalled', signal: 'SIGHUP', exitCode: 129 });
    await sandbox.cleanup();
  });

  test('a reader that leaves ends it', async () => {
    const sandbox = await server.sandbox();
    const output = server.provider.execute(sandbox.id, ['yes'], { timeoutMs: 60_000, killGraceMs: 100, tty: size });
    for await (const { data } of output) {
      expect(data.length).toBeGreaterThan(0);
      break;
    }
    expect(await server.provider.getResult(sandbox.id)).toMatchObject({ cause: 'stopped' });
    await sandbox.cleanup();
  });
});

describe('output', () => {
  test('of any length is whole and in order, also where the reader is slow and the program has ended long before', async () => {
    const sandbox = await server.sandbox();
    for (const lines of [12_000, 190_000, 230_000, 1_000_000]) {
      const hash = createHash('sha256');
      let length = 0;
      let slow = true;
      for await (const { data } of server.provider.execute(sandbox.id, ['seq', '1', String(lines)], {
        timeoutMs: 60_000,
        tty: size,
      })) {
        if (slow) await new Promise((resolve) => setTimeout(resolve, 500)); // it fills what buffers there are, and ends
        slow = false;
        hash.update(data);
        length += data.length;
      }
      const whole = Array.from({ length: lines }, (_, index) => `${index + 1}\r\n`).join('');
      expect({ lines, length }).toEqual({ lines, length: whole.length });
      expect(hash.digest('hex')).toBe(createHash('sha256').update(whole).digest('hex'));
      expect(await server.provider.getResult(sandbox.id)).toMatchObject({ cause: 'exited', exitCode: 0 });
    }
    await sandbox.cleanup();
  });

  test('is what the program wrote where it turned off the work on it, every byte', async () => {
    const { text } = await show(sh(`stty raw; python3 -c "import os; os.write(1, bytes(range(256)))"`));
    expect(text).toBe(Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1'));
  });
});

describe('input', () => {
  test('is echoed and edited by the terminal', async () => {
    const { text } = await show(sh('read line; echo "got $line"'), (screen) => screen.type('hellp\x7fo\r'));
    expect(text).toBe('hellp\b \bo\r\ngot hello\r\n');
  });

  test('ends by Ctrl-D, and by the end of what the caller gives, in the midst of a line too', async () => {
    const byKey = await show(sh('cat; echo end'), (screen) => screen.type('line\r\x04'));
    expect(byKey.text).toBe('line\r\nline\r\nend\r\n');
    const byEnd = await show(sh('cat >/workspace/x; od -c /workspace/x'), (screen) => {
      screen.type('line\npart');
      screen.closeInput();
    });
    expect(byEnd.text).toMatch(/l {3}i {3}n {3}e {2}\\n {3}p {3}a {3}r {3}t\r\n0000011\r\n$/);
  });

  test('of a run without any has ended from the start', async () => {
    const sandbox = await server.sandbox();
    const { stdout, end } = await sandbox.sh('cat; test -t 0 && echo end', { tty: size });
    expect([stdout, end.cause]).toEqual(['end\r\n', 'exited']);
    await sandbox.cleanup();
  });

  test('of a megabyte that is pasted arrives whole, every byte value in it', async () => {
    const paste = Buffer.alloc(1 << 20, Buffer.from(Array.from({ length: 251 }, (_, byte) => byte)));
    const { text } = await show(
      sh(`stty raw -echo; echo up; head -c ${paste.length} >/workspace/x; stty sane; sha256sum </workspace/x`),
      async (screen) => {
        await screen.shows(/up/);
        screen.type(paste);
      },
    );
    expect(text).toContain(createHash('sha256').update(paste).digest('hex'));
  });

  test('and output of megabytes at the same time do not hold each other up', async () => {
    const paste = Buffer.alloc(2 << 20, Buffer.from(Array.from({ length: 251 }, (_, byte) => byte)));
    const { text, end } = await show(
      sh(`stty raw -echo; echo up; head -c ${paste.length} | tee /workspace/x; echo; sha256sum </workspace/x`),
      async (screen) => {
        await screen.shows(/up/);
        screen.type(paste);
      },
    );
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0 });
    expect(text.length).toBeGreaterThan(paste.length);
    expect(text).toContain(createHash('sha256').update(paste).digest('hex'));
  });

  test('that nobody reads does not keep a program from its end', async () => {
    const { end } = await show(sh('stty raw -echo; echo up; sleep 1; exit 4'), async (screen) => {
      await screen.shows(/up/);
      screen.type(Buffer.alloc(4 << 20, 'x'));
    });
    expect(end).toMatchObject({ cause: 'exited', exitCode: 4 });
  });
});

describe('keys that are signals', () => {
  const loop = 'while :; do sleep 0.05; done';

  test('Ctrl-C, Ctrl-\\ and Ctrl-Z reach the program in the foreground', async () => {
    const { text, end } = await show(
      sh(`trap 'echo int' INT; trap 'echo quit; exit 7' QUIT; trap 'echo stop' TSTP; echo up; ${loop}`),
      async (screen) => {
        await screen.shows(/up/);
        screen.type('\x03');
        await screen.shows(/int/);
        screen.type('\x1a');
        await screen.shows(/stop/);
        screen.type('\x1c');
      },
    );
    expect(text).toMatch(/^up\r\n\^Cint\r\n\^Zstop\r\n\^\\(Quit\r\n)?quit\r\n$/); // some shells tell what became of the sleep
    expect(end).toMatchObject({ cause: 'exited', exitCode: 7 });
  });

  test('Ctrl-C ends a program that does not catch it, as SIGINT does without a terminal', async () => {
    const { end } = await show(sh(`echo up; exec sleep 1003`), async (screen) => {
      await screen.shows(/up/);
      screen.type('\x03');
    });
    expect(end).toMatchObject({ cause: 'exited', exitCode: 130 });
  });
});

test('an interactive shell has job control: stops, lists and resumes what runs, without a complaint', async () => {
  const { text, end } = await show(['bash', '--norc', '--noprofile', '-i'], async (screen) => {
    await screen.shows(/\$ $/);
    screen.type('cat\r');
    await screen.shows(/cat\r\n/);
    screen.type('one\r');
    await screen.shows(/one\r\none\r\n/);
    screen.type('\x1a');
    await screen.shows(/Stopped +cat/);
    screen.type('jobs; fg\r');
    await screen.shows(/cat\r\n.*Stopped.*cat\r\ncat\r\n/s);
    screen.type('two\r');
    await screen.shows(/two\r\ntwo\r\n/);
    screen.type('\x03');
    await screen.shows(/\^C\r\n.*\$ $/s);
    screen.type('exit 9\r');
  });
  expect(text).not.toMatch(/job control|process group/);
  expect(end).toMatchObject({ cause: 'exited', exitCode: 9 });
});

describe('a new size', () => {
  test('before the program reads anything is the one that it finds in the end', async () => {
    const { text } = await show(
      sh(`trap : WINCH; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done; stty size`),
      (screen) => screen.resize(132, 43),
    );
    expect(text).toBe('43 132\r\n');
  });

  test('of many is in the end the newest, and none is half of two', async () => {
    const watch = `import os, signal, sys, time
seen = []
def look(*_):
  size = os.get_terminal_size(); seen.append(size)
  if size.columns == 500: print(all(s.columns == 2 * s.lines for s in seen), size.lines); sys.exit(8)
signal.signal(signal.SIGWINCH, look)
print('up', flush=True)
while True: time.sleep(1)`;
    const { text, end } = await show(['python3', '-c', watch], async (screen) => {
      await screen.shows(/up/);
      for (let rows = 51; rows <= 250; rows++) screen.resize(2 * rows, rows);
    });
    expect(text).toBe('up\r\nTrue 250\r\n');
    expect(end).toMatchObject({ cause: 'exited', exitCode: 8 });
  });
});
