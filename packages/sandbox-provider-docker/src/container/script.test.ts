import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEndWords } from './end.js';
import { parkedShell, programLine, type ProgramCommand } from './script.js';

const GREETING = /^ready \d+\n/;

const NONCE = '\x1eNONCE';
const folder = mkdtempSync(join(tmpdir(), 'ergon-script-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly failed: number | null;
  readonly end: ReturnType<typeof parseEndWords>;
  /** The exit status of the parked shell. */
  readonly status: number | null;
}

/** The parked shell with another shell in the place of /bin/sh, its line on a pipe as in a container. */
function run(
  shell: readonly string[],
  command: readonly string[],
  more: Partial<ProgramCommand> = {},
  input = '',
): Ended {
  const line = programLine({ command, environment: {}, stdin: true, nonce: NONCE, ...more });
  writeFileSync(join(folder, 'in'), line + input);
  const [, ...words] = parkedShell;
  rmSync(join(folder, 'in.err'), { force: true });
  // Appended to, as to a pipe: a shell that reports late would write over what another has written.
  const script = 'file=$1; shift; cat "$file" | setsid -w "$@" 2>>"$file.err"; c=$?; cat "$file.err" >&2; exit $c';
  const child = spawnSync('dash', ['-c', script, 'dash', join(folder, 'in'), ...shell, ...words], {
    env: { PATH: process.env.PATH },
    encoding: 'latin1',
    timeout: 20_000,
  });
  const failed = new RegExp(`${NONCE} F (\\d+)\n`).exec(child.stderr);
  const marker = new RegExp(`${NONCE} (E .*)\n`);
  expect(child.stdout).toMatch(GREETING);
  const end = marker.exec(child.stdout)?.[1] ?? '';
  expect(marker.exec(child.stderr)?.[1]).toBe(end); // in both outputs
  const plain = (text: string): string => text.replace(new RegExp(`${NONCE} [EF].*\n`, 'g'), '');
  return {
    stdout: plain(child.stdout.replace(GREETING, '')),
    stderr: plain(child.stderr),
    failed: failed === null ? null : Number(failed[1]),
    end: parseEndWords(end),
    status: child.status,
  };
}

describe.each([
  ['dash', ['dash']],
  ['bash as sh', ['bash', '--posix']],
  ["BusyBox's ash", ['busybox', 'ash']],
])('with %s', (_, shell) => {
  test.each([0, 1, 3, 126, 127, 130, 137, 139, 255])('exit %i is that number, with nothing said about it', (code) => {
    const { end, failed } = run(shell, ['dash', '-c', `exit ${code}`]);
    expect(end).toEqual({ code, lines: 1 });
    expect(failed).toBeNull();
  });

  test.each([
    ['HUP', 129],
    ['QUIT', 131],
    ['ABRT', 134],
    ['KILL', 137],
    ['SEGV', 139],
    ['TERM', 143],
    ['XFSZ', 153],
  ])('the death by SIG%s is told apart from an exit with its number', (signal, code) => {
    const { end, stderr } = run(shell, ['dash', '-c', `ulimit -c 0; kill -${signal} $$`]);
    expect(end?.code).toBe(code);
    expect(end?.lines).toBeGreaterThan(1);
    expect(stderr).toBe(''); // what the shell says of it is not the program's
  });

  test('signals to the whole group leave the shells above it, and the program has its own handling of them', () => {
    const { end, stdout } = run(shell, ['dash', '-c', 'trap "echo caught" TERM; kill -TERM 0; echo on; exit 7']);
    expect(stdout).toBe('caught\non\n');
    expect(end).toEqual({ code: 7, lines: 1 });
    expect(run(shell, ['dash', '-c', 'kill -TERM 0; sleep 5']).end).toMatchObject({ code: 143, lines: 2 });
  });

  test('no signal that can be caught ends the shells above a program that ignores all of them', () => {
    const numbers = Array.from({ length: 64 }, (_, index) => index + 1).filter(
      (n) => ![9, 17, 18, 19, 32, 33].includes(n),
    );
    const script = `import os, signal
for n in ${JSON.stringify(numbers)}:
    signal.signal(n, signal.SIG_IGN)
    os.kill(0, n)
os._exit(3)`;
    expect(run(shell, ['/usr/bin/python3', '-c', script])).toEqual({
      stdout: '',
      stderr: '',
      failed: null,
      end: { code: 3, lines: 1 },
      status: 3,
    });
  });

  test("a variable that changes how shells report deaths is the program's alone", () => {
    const environment = { POSIXLY_CORRECT: '1' };
    const { stdout, end } = run(shell, ['sh', '-c', 'echo "$POSIXLY_CORRECT"; kill -SEGV $$'], { environment });
    expect(stdout).toBe('1\n');
    expect(end).toMatchObject({ code: 139, lines: 2 });
  });

  test('an output that the program left non-blocking and full carries the marker all the same', () => {
    const script = `import os
os.set_blocking(1, False)
try:
    while True: os.write(1, b"x" * 65536)
except BlockingIOError: os._exit(5)`;
    const line = programLine({
      command: ['/usr/bin/python3', '-c', script],
      environment: {},
      stdin: true,
      nonce: NONCE,
    });
    writeFileSync(join(folder, 'in'), line);
    const [, ...words] = parkedShell;
    // The reader begins when the program has ended.
    const late = 'file=$1; shift; { "$@" <"$file"; echo $? >"$file.code"; } | { read -r _; sleep 0.5; cat; }';
    const { stdout, stderr } = spawnSync('dash', ['-c', late, 'dash', join(folder, 'in'), ...shell, ...words], {
      encoding: 'latin1',
      maxBuffer: 1 << 24,
    });
    expect(stdout.replace(/^x+/, '')).toBe(`${NONCE} E 5 1\n`);
    expect(stderr).toBe(`${NONCE} E 5 1\n`);
  });

  test('the shell that waited ends with the code of the program, so that the engine knows it too', () => {
    expect(run(shell, ['dash', '-c', 'exit 5']).status).toBe(5);
    expect(run(shell, ['dash', '-c', 'kill -TERM $$']).status).toBe(143);
    expect(run(shell, ['dash', '-c', 'kill -KILL $PPID; sleep 0.1']).status).toBe(137);
  });

  test('a variable that shells cannot set needs env(1) of the image, not of the program’s PATH', () => {
    const environment = { PATH: '/nowhere', _: 'mine', 'a.b': 'odd' };
    const { stdout, stderr } = run(shell, ['/usr/bin/env'], { environment });
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['PATH=/nowhere', '_=mine', 'a.b=odd']));
    expect(stderr).toBe('');
  });

  test.each([
    ['a name that is nowhere', 'no-such-program', 127],
    ['a path that is nowhere', '/no/such/program', 127],
    ['a file that is not executable', '/etc/passwd', 126],
    ['a folder', '/usr', 126],
    ['a word of the shell', 'cd', 127],
  ])('%s is a failed start', (_what, program, code) => {
    const { failed, stdout } = run(shell, [program]);
    expect(failed).toBe(code);
    expect(stdout).toBe('');
  });

  test('arguments and variables arrive as they are', () => {
    const awkward = [
      "it's",
      '"quoted"',
      '$HOME `id` $(id)',
      'a\nb',
      '\\',
      '*',
      '',
      ' ',
      '-n',
      '!',
      '#',
      '&;|<>',
      '\x1b[0m',
    ];
    const { stdout } = run(shell, [
      '/usr/bin/python3',
      '-c',
      'import sys, json; print(json.dumps(sys.argv[1:]))',
      ...awkward,
    ]);
    expect(JSON.parse(stdout)).toEqual(awkward);
    const environment = {
      TEXT: 'two\nlines and $HOME',
      RANDOM: '4',
      BASH_ENV: '/x',
      UID: 'mine',
      script: 's',
      c: 'c',
      n: 'n',
    };
    const told = run(shell, ['/usr/bin/python3', '-c', 'import os, json; print(json.dumps(dict(os.environ)))'], {
      environment,
    });
    expect(JSON.parse(told.stdout)).toMatchObject(environment);
  });

  test('what follows the line is the stdin of the program, or nobody’s', () => {
    expect(run(shell, ['cat'], {}, 'one\ntwo').stdout).toBe('one\ntwo');
    expect(run(shell, ['cat'], { stdin: false }, 'one\ntwo').stdout).toBe('');
  });

  test('the program inherits no descriptor but its three, and no ignored signal', () => {
    const { stdout } = run(shell, [
      '/usr/bin/python3',
      '-c',
      'import os; print(sorted(int(f) for f in os.listdir("/proc/self/fd"))[:4])',
    ]);
    expect(stdout).toMatch(/^\[0, 1, 2, 3\]\n$/); // 3 is the listing's own
    const status = run(shell, ['cat', '/proc/self/status']).stdout;
    expect(status).toMatch(/^SigIgn:\t0+$/m);
  });

  test('half a line runs nothing', () => {
    const whole = programLine({ command: ['echo', 'ran'], environment: {}, stdin: true, nonce: NONCE });
    const [, ...words] = parkedShell;
    const child = spawnSync('dash', ['-c', 'cat | "$@"', 'dash', ...shell, ...words], {
      input: whole.slice(0, -1),
      encoding: 'utf8',
    });
    expect(child.stdout).toMatch(/^ready \d+\n$/);
  });

  test('the end is told though a background process holds the outputs', () => {
    const started = performance.now();
    const { end } = run(shell, ['dash', '-c', 'sleep 3 >/dev/null 2>&1 & exit 5']);
    expect(end).toEqual({ code: 5, lines: 1 });
    expect(performance.now() - started).toBeLessThan(2500);
  });
});

test('a script whose interpreter is nowhere is a failed start where the shell lets us say so', () => {
  const file = join(folder, 'script');
  writeFileSync(file, '#!/no/such/interpreter\n');
  chmodSync(file, 0o755);
  expect(run(['dash'], [file]).failed).toBe(127);
  expect(run(['busybox', 'ash'], [file]).failed).toBe(127);
  expect(run(['bash', '--posix'], [file])).toMatchObject({ failed: null, end: { code: 127, lines: 1 } });
});
