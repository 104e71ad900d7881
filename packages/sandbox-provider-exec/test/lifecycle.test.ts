import { constants } from 'node:os';
import { readdirSync } from 'node:fs';
import { isRoot, TestServer, type Run } from './support/server.js';
import { until } from './support/until.js';

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

const sh = (script: string): Promise<Run> => server.run(['sh', '-c', script]);

test('a program runs, and its output, exit code and usage are told', async () => {
  const run = await server.run(
    ['sh', '-c', 'python main.py; echo err >&2; exit 3'],
    {},
    { 'main.py': 'print("hello")\n' },
  );
  expect(run.stdout).toBe('hello\n');
  expect(run.stderr).toBe('err\n');
  expect(run.end).toMatchObject({ cause: 'exited', exitCode: 3, signal: null, limitsHit: [], reason: null });
});

test('after a cleanup nothing of a sandbox is left, and it is unknown', async () => {
  const sandbox = await server.sandbox();
  expect(server.leftovers()).not.toEqual([]);
  expect(await sandbox.cleanup()).toBe(true);
  expect(server.leftovers()).toEqual([]);
  expect(await sandbox.cleanup()).toBe(false);
  await expect(sandbox.sh('true')).rejects.toMatchObject({ code: 'SANDBOX006' });
});

describe('how a program ended', () => {
  test.each([0, 1, 126, 127, 128, 130, 137, 139, 141, 143, 192, 255])(
    'exit %i is an exit with that number',
    async (code) => {
      const { end } = await sh(`exit ${code}`);
      expect(end).toMatchObject({ cause: 'exited', exitCode: code, signal: null, limitsHit: [] });
    },
  );

  test.each([
    'SIGHUP',
    'SIGINT',
    'SIGQUIT',
    'SIGILL',
    'SIGABRT',
    'SIGFPE',
    'SIGKILL',
    'SIGSEGV',
    'SIGPIPE',
    'SIGALRM',
    'SIGTERM',
    'SIGUSR1',
    'SIGSYS',
  ])('%s, met by itself, is told as far as it is known', async (signal) => {
    const { end } = await server.run([
      'python3',
      '-c',
      `import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.kill(os.getpid(), signal.${signal})`,
    ]);
    // Shells report no death by these: what is known is the number.
    const silent = ['SIGINT', 'SIGPIPE'].includes(signal);
    expect(end).toMatchObject({
      cause: silent ? 'exited' : 'signalled',
      signal: silent ? null : signal,
      exitCode: 128 + constants.signals[signal as NodeJS.Signals],
    });
  });

  test('a real crash is a signal', async () => {
    const { end } = await server.run(['python3', '-c', 'import ctypes; ctypes.string_at(0)']);
    expect(end).toMatchObject({ cause: 'signalled', signal: 'SIGSEGV', exitCode: 139 });
  });

  test.each([
    ['that is nowhere', ['no-such-program'], /"no-such-program" was not found/],
    ['by a path that is nowhere', ['/no/such/program'], /was not found/],
    ['that is not executable', ['./main.txt'], /not executable/],
    ['that is a folder', ['/usr'], /not executable/],
    ['that is a word of the shell', ['cd'], /was not found/],
    [
      'whose interpreter is nowhere',
      ['sh', '-c', 'printf "#!/no/such/interpreter\\n" > x; chmod +x x; exec ./x'],
      null,
    ],
  ])('a program %s is not started, and the reason says so', async (_, command, reason) => {
    const run = await server.run(command, {}, { 'main.txt': 'text' });
    if (reason === null)
      expect(run.end).toMatchObject({ cause: 'exited', exitCode: 127 }); // a shell ran, and says it
    else {
      expect(run.end).toMatchObject({
        cause: 'not-started',
        exitCode: null,
        signal: null,
        reason: expect.stringMatching(reason) as string,
      });
      expect(run.stdout).toBe('');
    }
  });

  test('a sandbox whose bubblewrap is killed from outside is lost, says so, and can run again', async () => {
    const sandbox = await server.sandbox();
    const running = sandbox.sh('echo up; sleep 1000');
    await until('it runs', () => server.leftovers().some((line) => line.includes('sleep 1000 ')));
    const line = server.leftovers().find((each) => /process \d+: \/usr\/bin\/bwrap/.test(each));
    process.kill(Number(/process (\d+)/.exec(line ?? '')?.[1]), 'SIGKILL');
    expect((await running).end).toMatchObject({
      cause: 'lost',
      exitCode: null,
      reason: expect.stringContaining('ended from outside') as string,
    });
    expect((await sandbox.sh('echo again')).stdout).toBe('again\n');
    await sandbox.cleanup();
  });
});

describe('commands and environment', () => {
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
    'ünïcödé',
    '!',
    '#',
    '&;|<>',
  ];

  test('arguments arrive as they are', async () => {
    const { stdout } = await server.run([
      'python3',
      '-c',
      'import sys, json; print(json.dumps(sys.argv[1:]))',
      ...awkward,
    ]);
    expect(JSON.parse(stdout)).toEqual(awkward);
  });

  test('100 kB of arguments arrive', async () => {
    const words = Array.from({ length: 1000 }, (_, index) => `${index}`.padEnd(100, "'"));
    const { stdout } = await server.run(['python3', '-c', 'import sys; print(sum(map(len, sys.argv[1:])))', ...words]);
    expect(stdout).toBe('100000\n');
  });

  test('variables arrive as they are: of the sandbox, of the execution, and those that shells keep for themselves', async () => {
    const config = server.config(
      {},
      { environment: { A: awkward.join('\n'), B: 'of the sandbox', PATH: '/usr/bin:/bin' } },
    );
    await server.provider.prepare('s', server.solution({}), config);
    const environment = {
      B: 'of the execution',
      UID: '5',
      OPTIND: 'x y',
      RANDOM: 'r',
      PWD: '/elsewhere',
      IFS: 'x',
      SANDBOX_ID: 'forged',
    };
    let text = '';
    const print = 'import os, json; print(json.dumps(dict(os.environ)))';
    for await (const { data } of server.provider.execute(config.sandboxId, ['python3', '-c', print], {
      timeoutMs: 60_000,
      environment,
    })) {
      text += Buffer.from(data).toString();
    }
    await server.provider.cleanup(config.sandboxId);
    expect(JSON.parse(text)).toMatchObject({
      ...environment,
      A: awkward.join('\n'),
      PATH: '/usr/bin:/bin',
      SANDBOX_ID: config.sandboxId,
    });
  });

  test('what is always set is set, and nothing else', async () => {
    const sandbox = await server.sandbox();
    const { stdout } = await sandbox.run(['env']);
    const set = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    );
    const { PATH, ...rest } = set;
    expect(rest).toEqual({
      HOME: '/home/sandbox',
      LANG: 'C.UTF-8',
      OUTPUT_DIR: '/output',
      PWD: '/workspace',
      SANDBOX_ID: sandbox.id,
      SOLUTION_DIR: '/solution',
      WORKSPACE_DIR: '/workspace',
    });
    expect(PATH?.split(':').slice(0, 3)).toEqual(['/usr/local/bin', '/usr/bin', '/bin']);
    await sandbox.cleanup();
  });

  test('python and python3 are the same', async () => {
    const { stdout } = await sh(
      'python -c "import sys; print(sys.version)"; python3 -c "import sys; print(sys.version)"',
    );
    const [first, second] = stdout.trim().split('\n');
    expect(first).toMatch(/^3\./);
    expect(second).toBe(first);
  });
});

describe('output', () => {
  test('both streams come in the order in which they were written, where a program waits in between', async () => {
    const { chunks } = await sh('for i in 1 2 3 4 5; do echo out$i; sleep 0.05; echo err$i >&2; sleep 0.05; done');
    const order = chunks.map(({ stream, data }) => `${stream} ${Buffer.from(data).toString().trim()}`);
    expect(order).toEqual([1, 2, 3, 4, 5].flatMap((i) => [`stdout out${i}`, `stderr err${i}`]));
    const times = chunks.map(({ at }) => at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.at(-1)).toBeGreaterThan(400);
  });

  test('bytes are not changed', async () => {
    const { chunks } = await server.run(['python3', '-c', 'import os; os.write(1, bytes(range(256)) * 1000)']);
    expect(Buffer.concat(chunks.map(({ data }) => data))).toEqual(
      Buffer.concat(Array<Buffer>(1000).fill(Buffer.from([...Array(256).keys()]))),
    );
  });

  test('a slow reader slows the program and loses nothing', async () => {
    const sandbox = await server.sandbox();
    let bytes = 0;
    for await (const { data } of server.provider.execute(sandbox.id, ['head', '-c', '20000000', '/dev/zero'], {
      timeoutMs: 60_000,
    })) {
      bytes += data.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(bytes).toBe(20_000_000);
    await sandbox.cleanup();
  });

  test('what a program printed before it ended is there for a reader who comes later', async () => {
    const sandbox = await server.sandbox();
    let bytes = 0;
    const program = ['head', '-c', '900000', '/dev/zero'];
    for await (const { data } of server.provider.execute(sandbox.id, program, { timeoutMs: 60_000 })) {
      // The first chunk is held until the program is gone, and the next one is parked.
      if (bytes === 0)
        await until('it has ended', () => !server.leftovers().some((line) => line.includes(': head -c')));
      if (bytes === 0)
        await until('the next is parked', async () => {
          const { cpuTimeMs } = await server.provider.usage(sandbox.id);
          return cpuTimeMs === null && server.leftovers().some((line) => /^process \d+: \S*bwrap /.test(line));
        });
      bytes += data.length;
    }
    expect(bytes).toBe(900_000);
    await sandbox.cleanup();
  });

  test('a reader that leaves ends the run', async () => {
    const sandbox = await server.sandbox();
    for await (const { data } of server.provider.execute(sandbox.id, ['sh', '-c', 'yes'], {
      timeoutMs: 60_000,
      killGraceMs: 100,
    })) {
      expect(data.length).toBeGreaterThan(0);
      break;
    }
    expect(await server.provider.getResult(sandbox.id)).toMatchObject({ cause: 'stopped', exitCode: null });
    await sandbox.cleanup();
  });
});

describe('stdin', () => {
  async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
    for (const part of parts) yield Buffer.from(part);
  }

  test('is empty and closed where none is given', async () => {
    const { stdout } = await sh('cat; cat /dev/stdin; python3 -c "open(\'/dev/stdin\').read()"; echo end');
    expect(stdout).toBe('end\n');
  });

  test('arrives whole, and then ends', async () => {
    const sandbox = await server.sandbox();
    const { stdout } = await sandbox.run(['sh', '-c', 'wc -c'], {
      stdin: chunks(...Array<string>(50).fill('x'.repeat(100_000))),
    });
    expect(stdout.trim()).toBe('5000000');
    await sandbox.cleanup();
  });

  test('that is never read holds nothing up', async () => {
    const sandbox = await server.sandbox();
    const { end } = await sandbox.run(['sh', '-c', 'exec <&-; exit 4'], { stdin: chunks('x'.repeat(1_000_000)) });
    expect(end).toMatchObject({ cause: 'exited', exitCode: 4 });
    await sandbox.cleanup();
  });
});

describe('usage', () => {
  test('CPU time and memory are those of the whole tree', async () => {
    const busy =
      'import time\nx = bytearray(80 << 20)\nt = time.process_time()\nwhile time.process_time() - t < 0.6: pass';
    const { end, reports } = await server.run(['sh', '-c', `python3 -c '${busy}' & python3 -c '${busy}'; wait`]);
    expect(end.usage.cpuTimeMs).toBeGreaterThan(1100);
    expect(end.usage.cpuTimeMs).toBeLessThan(3000);
    expect(end.usage.memoryPeakBytes).toBeGreaterThan(150 << 20);
    expect(end.usage.memoryPeakBytes).toBeLessThan(260 << 20);
    const samples = reports.flatMap((report) => (report.type === 'sample' ? [report.usage] : []));
    expect(samples.length).toBeGreaterThan(0);
    expect(Math.max(...samples.map(({ pids }) => pids ?? 0))).toBe(3);
  });

  test('each execution is counted from its own start', async () => {
    const sandbox = await server.sandbox();
    const first = await sandbox.sh('i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done');
    const second = await sandbox.sh('true');
    expect(first.end.usage.cpuTimeMs).toBeGreaterThan(100);
    expect(second.end.usage.cpuTimeMs).toBeLessThan((first.end.usage.cpuTimeMs ?? 0) / 2);
    await sandbox.cleanup();
  });

  test('disk use is told', async () => {
    const { end } = await sh('head -c 10000000 /dev/zero > a; head -c 5000000 /dev/zero > /output/b; sync; sleep 0.2');
    expect(end.usage.diskBytes).toBeGreaterThan(14_900_000);
    expect(end.usage.diskBytes).toBeLessThan(16_500_000);
  });
});

describe('preparation', () => {
  test('that is cancelled leaves nothing, at whatever moment', async () => {
    for (const ms of [0, 5, 20, 40, 60, 90]) {
      const abort = new AbortController();
      const preparing = server.provider.prepare(
        's',
        server.solution({ a: 'a' }),
        server.config({}, { signal: abort.signal }),
      );
      setTimeout(() => abort.abort(), ms);
      await preparing.then(
        (id) => server.provider.cleanup(id), // it was faster
        (error: unknown) => expect(error).toMatchObject({ code: 'SANDBOX011' }),
      );
      expect(server.leftovers()).toEqual([]);
    }
  });

  test('of a solution that is not there fails with a sentence, and leaves nothing', async () => {
    await expect(server.provider.prepare('s', '/no/such/solution', server.config())).rejects.toThrow(
      /No such file or directory|does not exist/,
    );
  });

  test('of a solution that does not fit onto the disk fails, and leaves nothing', async () => {
    const solution = server.solution({ big: 'x'.repeat(30 << 20) });
    const preparing = server.provider.prepare('s', solution, server.config({ diskBytes: 4 << 20 }));
    if (isRoot) await expect(preparing).rejects.toThrow(/No space left on device/);
    else {
      // Polled: the first command meets the limit.
      const id = await preparing;
      for await (const _ of server.provider.execute(id, ['sleep', '1000'], { timeoutMs: 60_000 }))
        expect(_).toBeUndefined();
      expect(await server.provider.getResult(id)).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'disk' }] });
      await server.provider.cleanup(id);
    }
  });

  test('ten sandboxes at once, each its own', async () => {
    const sandboxes = await Promise.all(
      Array.from({ length: 10 }, (_, index) => server.sandbox({ name: String(index) })),
    );
    const runs = await Promise.all(sandboxes.map((sandbox) => sandbox.sh('cat name; echo x > mine; ls')));
    expect(runs.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 10 }, (_, index) => `${index}mine\nname\n`));
    await Promise.all(sandboxes.map((sandbox) => sandbox.cleanup()));
  });

  test('and running leave no descriptor open in the server', async () => {
    const count = (): number => readdirSync('/proc/self/fd').length;
    await server.run(['true']); // what is opened once is open
    const before = count();
    const sandbox = await server.sandbox();
    for (let i = 0; i < 5; i++) await sandbox.sh('echo x; echo y >&2');
    await sandbox.cleanup();
    await until('all are closed', () => count() <= before);
  });

  test('a second command while one runs is refused', async () => {
    const sandbox = await server.sandbox();
    const first = sandbox.sh('sleep 0.5; echo first');
    await expect(sandbox.sh('echo second')).rejects.toMatchObject({ code: 'SANDBOX007' });
    expect((await first).stdout).toBe('first\n');
    await sandbox.cleanup();
  });
});
