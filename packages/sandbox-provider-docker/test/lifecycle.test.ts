import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type Dockerode from 'dockerode';
import { docker } from './support/engine.js';
import { RawContainer } from './support/raw.js';
import { DEBIAN, TestServer, type Run } from './support/server.js';
import { until } from './support/until.js';

let server: TestServer;
beforeAll(() => {
  server = new TestServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});
afterEach(async () => {
  expect(await server.leftovers()).toEqual([]);
});

const MiB = 1 << 20;
const sh = (script: string, limits = {}): Promise<Run> => server.run(['sh', '-c', script], limits);
const debian = (command: readonly string[], files = {}): Promise<Run> =>
  server.run(command, {}, files, { image: DEBIAN });

/** Containers of a sandbox that run programs, or wait for one. */
async function runContainers(sandboxId: string): Promise<string[]> {
  const label = [`org.ergon.sandbox.sandbox=${sandboxId}`, 'org.ergon.sandbox.role=run'];
  return (await docker.listContainers({ filters: { label } })).map(({ Id }) => Id);
}

test('a program runs, and its output, exit code and usage are told', async () => {
  const run = await debian(['sh', '-c', 'python main.py; echo err >&2; exit 3'], { 'main.py': 'print("hello")\n' });
  expect(run.stdout).toBe('hello\n');
  expect(run.stderr).toBe('err\n');
  expect(run.end).toMatchObject({ cause: 'exited', exitCode: 3, signal: null, limitsHit: [], reason: null });
  const { cpuTimeMs, memoryPeakBytes, diskBytes } = run.end.usage;
  expect(cpuTimeMs).toBeGreaterThan(5);
  expect(memoryPeakBytes).toBeGreaterThan(2 * MiB);
  expect(diskBytes).toBeGreaterThan(0);
});

test('a container is parked: the first line comes within milliseconds, where an exec made for it takes ten times as long', async () => {
  const sandbox = await server.sandbox();
  const raw = await RawContainer.start('sleep 1000');
  const took = async (start: () => Promise<unknown>): Promise<number> => {
    const started = performance.now();
    await start();
    return performance.now() - started;
  };
  const [parked, made] = [[] as number[], [] as number[]];
  for (let round = 0; round < 5; round++) {
    await until('the next container is parked', async () => (await runContainers(sandbox.id)).length === 1);
    await delay(300); // the container runs, and its shell comes a moment later
    const { chunks } = await sandbox.sh('echo first');
    parked.push(chunks[0]?.at ?? Infinity);
    made.push(await took(() => raw.exec(['echo', 'first'])));
  }
  expect(Math.min(...parked) * 3).toBeLessThan(Math.min(...made));
  await raw.remove();
  await sandbox.cleanup();
});

describe('how a program ended', () => {
  test('an exit is an exit with that number, whatever it looks like', async () => {
    const sandbox = await server.sandbox();
    for (const code of [0, 1, 126, 127, 130, 137, 139, 255]) {
      const { end } = await sandbox.sh(`exit ${code}`);
      expect(end).toMatchObject({ cause: 'exited', exitCode: code, signal: null, limitsHit: [] });
    }
    await sandbox.cleanup();
  });

  test('a signal, met by itself, is told as far as it is known', async () => {
    const sandbox = await server.sandbox({}, {}, { image: DEBIAN });
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGABRT', 'SIGKILL', 'SIGSEGV', 'SIGPIPE', 'SIGTERM', 'SIGSYS']) {
      const { end } = await sandbox.run([
        'python3',
        '-c',
        `import os, signal; [signal.signal(s, signal.SIG_DFL) for s in (2, 13)]; os.kill(os.getpid(), signal.${signal})`,
      ]);
      // Shells report no death by these: what is known is the number.
      const silent = ['SIGINT', 'SIGPIPE'].includes(signal);
      expect(end).toMatchObject({
        cause: silent ? 'exited' : 'signalled',
        signal: silent ? null : signal,
        exitCode: 128 + constants.signals[signal as NodeJS.Signals],
      });
    }
    await sandbox.cleanup();
  });

  test('the engine by itself does not tell a signal from an exit with its number', async () => {
    const raw = await RawContainer.start('sleep 1000');
    const codes: (number | null)[] = [];
    for (const script of ['exit 139', 'kill -SEGV $$']) {
      const { exec, stream } = await raw.startExec(['sh', '-c', script]);
      stream.resume();
      await until('it ended', async () => !(await exec.inspect()).Running);
      codes.push((await exec.inspect()).ExitCode);
    }
    expect(codes).toEqual([139, 139]);
    await raw.remove();
  });

  test('the exit code of an exec is null while it runs, which is no end', async () => {
    const raw = await RawContainer.start('sleep 1000');
    const { exec, stream } = await raw.startExec(['sh', '-c', 'exec >/dev/null 2>&1 </dev/null; sleep 600; exit 4']);
    stream.resume();
    expect(await exec.inspect()).toMatchObject({ Running: true, ExitCode: null });
    await raw.remove();
    expect((await sh('exec >/dev/null 2>&1 </dev/null; sleep 1; exit 4')).end).toMatchObject({ exitCode: 4 });
  });

  test.each([
    ['that is nowhere', ['no-such-program'], /"no-such-program" was not found/],
    ['by a path that is nowhere', ['/no/such/program'], /was not found/],
    ['that is not executable', ['./main.txt'], /not executable/],
    ['that is a folder', ['/etc'], /not executable/],
    ['whose interpreter is nowhere', ['./script'], /was not found/],
  ])('a program %s is not started, and the reason says so', async (_, command, reason) => {
    const sandbox = await server.sandbox({ 'main.txt': 'text', script: '#!/no/such/interpreter\n' });
    await sandbox.sh('chmod +x script');
    const { end, stdout } = await sandbox.run(command);
    expect(end).toMatchObject({ cause: 'not-started', exitCode: null, signal: null });
    expect(end.reason).toMatch(reason);
    expect(stdout).toBe('');
    await sandbox.cleanup();
  });

  test('a program that ends the shells above it is seen to end, and all of it is gone', async () => {
    const { end, stdout, wallMs } = await sh('echo up; kill -9 -1; sleep 100');
    expect(stdout).toBe('up\n');
    expect(end).toMatchObject({ cause: 'signalled', signal: 'SIGKILL', exitCode: 137 });
    expect(wallMs).toBeLessThan(15_000);
  });

  test('a program cannot pass for one that was not started, nor end before its time, by its output', async () => {
    const { end, stdout } = await sh(`printf '\\036%032d F 127\\n\\036%032d E 0 1\\n' 0 0; exit 5`);
    expect(end).toMatchObject({ cause: 'exited', exitCode: 5 });
    expect(stdout).toHaveLength(2 * 33 + 7 + 7);
  });
});

describe('memory', () => {
  const hungry = 'tail -c 300m /dev/zero';

  test('a child that the kernel ended for want of memory makes it the limit’s end, though the exit code be 0', async () => {
    const { end } = await sh(`${hungry} >/dev/null; exit 0`, { memoryBytes: 64 * MiB });
    expect(end).toMatchObject({ cause: 'limit', exitCode: 0, limitsHit: [{ limit: 'memory', value: 64 * MiB }] });
    expect(end.limitsHit[0]?.evidence).toMatch(/^oom_kill [1-9]\d* in memory\./);
  });

  test('the engine’s own OOMKilled says nothing of it while the container runs', async () => {
    const raw = await RawContainer.start('sleep 1000', { HostConfig: { Memory: 64 * MiB, MemorySwap: 64 * MiB } });
    expect(await raw.exec(['sh', '-c', `${hungry} >/dev/null; echo $?`])).toMatch(/137/);
    expect((await raw.container.inspect()).State.OOMKilled).toBe(false);
    await raw.remove();
  });

  test('a kill by itself is not the memory limit', async () => {
    const { end } = await sh('kill -9 $$');
    expect(end).toMatchObject({ cause: 'signalled', signal: 'SIGKILL', limitsHit: [] });
  });
});

describe('ended by us', () => {
  test.each(['timeout', 'stopped'] as const)(
    '%s: every process is ended, the workspace stays, and the sandbox runs again',
    async (cause) => {
      const sandbox = await server.sandbox();
      const stop = new AbortController();
      const script =
        'echo kept > file; sleep 1000 & (setsid sleep 1000 &) ; trap "" TERM; echo up; while :; do sleep 1; done';
      const [container = ''] = await runContainers(sandbox.id);
      const { end, stdout } = await sandbox.run(['sh', '-c', script], {
        ...(cause === 'timeout' ? { timeoutMs: 1500 } : { signal: stop.signal }),
        onChunk: () => stop.abort(),
      });
      expect(end).toMatchObject({ cause, exitCode: null });
      expect(stdout).toBe('up\n');
      expect(await runContainers(sandbox.id)).not.toContain(container);
      expect((await sandbox.sh('cat file; ls /tmp')).stdout).toBe('kept\n');
      await sandbox.cleanup();
    },
  );

  test('a program has its grace: what it exits with then is told', async () => {
    const sandbox = await server.sandbox();
    const { end, stdout } = await sandbox.run(
      ['sh', '-c', 'trap "echo bye; exit 9" TERM; while :; do sleep 0.1; done'],
      {
        timeoutMs: 1000,
        killGraceMs: 5000,
      },
    );
    expect(stdout).toBe('bye\n');
    expect(end).toMatchObject({ cause: 'timeout', exitCode: 9 });
    await sandbox.cleanup();
  });

  test('to cut the connection to an exec leaves its process running, which is why the container is ended', async () => {
    const raw = await RawContainer.start('sleep 1000');
    const { exec, stream } = await raw.startExec(['sleep', '777']);
    stream.destroy();
    await delay(500); // as long as an end would take
    expect((await exec.inspect()).Running).toBe(true);
    expect(await raw.exec(['sh', '-c', 'cat /proc/*/cmdline'])).toContain('777');
    await raw.remove();
  });
});

describe('output', () => {
  test('nothing is lost at the end: 200,000 lines, and the last without a newline', async () => {
    const { stdout, end } = await sh('i=0; seq 1 200000; printf end');
    expect(end.exitCode).toBe(0);
    expect(stdout.split('\n')).toEqual([...Array.from({ length: 200_000 }, (_, index) => String(index + 1)), 'end']);
  });

  test('a slow reader makes the program wait, and loses nothing', async () => {
    const sandbox = await server.sandbox({}, { timeoutMs: 60_000 });
    let [bytes, chunks] = [0, 0];
    for await (const { data } of server.provider.execute(sandbox.id, ['sh', '-c', 'head -c 20000000 /dev/zero'], {
      timeoutMs: 60_000,
    })) {
      if (chunks++ % 50 === 0) await delay(20);
      bytes += data.length;
    }
    expect(bytes).toBe(20_000_000);
    await sandbox.cleanup();
  });

  test('a background process that holds the pipes delays no end, and what the program wrote is whole', async () => {
    const { stdout, wallMs, end } = await sh('sleep 1000 & seq 1 5000; exit 0');
    expect(stdout.trim().split('\n')).toHaveLength(5000);
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0 });
    expect(wallMs).toBeLessThan(10_000);
  });
});

describe('input', () => {
  async function* bytes(...parts: string[]): AsyncGenerator<Uint8Array> {
    for (const part of parts) yield Buffer.from(part);
  }

  test('stdin arrives byte for byte, and its end is seen', async () => {
    const sandbox = await server.sandbox();
    const { stdout } = await sandbox.run(['sh', '-c', 'wc -c; echo over'], {
      stdin: bytes('a'.repeat(300_000), '\0\n', 'b'),
    });
    expect(stdout).toBe('300003\nover\n');
    expect((await sandbox.run(['cat'])).stdout).toBe('');
    await sandbox.cleanup();
  });

  test('a terminal is one, with the size that is asked for and then another, and is not framed', async () => {
    const sandbox = await server.sandbox();
    let [hear, listen]: (() => void)[] = [];
    const asked = new Promise<void>((resolve) => (hear = resolve));
    const listens = new Promise<void>((resolve) => (listen = resolve));
    async function* typed(): AsyncGenerator<Uint8Array> {
      await asked;
      yield Buffer.from('word\n');
    }
    async function* resizes(): AsyncGenerator<{ cols: number; rows: number }> {
      await listens;
      yield { cols: 101, rows: 41 };
    }
    const script =
      'tty; stty size; echo "word?"; read x; trap "stty size; exit 6" WINCH; echo "<$x>"; while :; do sleep 0.05; done';
    let said = '';
    const run = await sandbox.run(['sh', '-c', script], {
      tty: { cols: 80, rows: 24, resizes: resizes() },
      stdin: typed(),
      onChunk: ({ data }) => {
        said += Buffer.from(data).toString();
        if (said.includes('word?')) hear?.();
        if (said.includes('<word>')) listen?.();
      },
    });
    expect(run.stdout).toMatch(/^\/dev\/pts\/\d+\r\n24 80\r\nword\?\r\nword\r\n<word>\r\n41 101\r\n$/);
    expect(run.end).toMatchObject({ cause: 'exited', exitCode: 6 });
    await sandbox.cleanup();
  });

  test('a program that reads nothing makes the source wait', async () => {
    const sandbox = await server.sandbox();
    let taken = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; ; taken += 65_536) yield Buffer.alloc(65_536);
    }
    await sandbox.run(['sleep', '2'], { stdin: endless() });
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(8 * MiB);
    await sandbox.cleanup();
  });
});

describe('lost', () => {
  test.each([
    ['killed', (id: string) => docker.getContainer(id).kill(), /ended from outside/],
    ['removed', (id: string) => docker.getContainer(id).remove({ force: true }), /(removed|ended) from outside/],
  ])(
    'a container that is %s underneath is lost at once, with a sentence, and the sandbox runs again',
    async (_, end, reason) => {
      const sandbox = await server.sandbox();
      const [container = ''] = await runContainers(sandbox.id);
      const started = performance.now();
      const run = await sandbox.run(['sh', '-c', 'echo up; sleep 1000'], { onChunk: () => void end(container) });
      expect(run.end).toMatchObject({ cause: 'lost', exitCode: null });
      expect(run.end.reason).toMatch(reason);
      expect(performance.now() - started).toBeLessThan(10_000);
      expect((await sandbox.sh('echo again')).stdout).toBe('again\n');
      await sandbox.cleanup();
    },
  );

  test('a connection that is cut while the program runs is lost, not an end: what it wrote from then on is not known', async () => {
    const { EngineExecs } = await import('../src/engine/execs.js');
    const starts = jest.spyOn(EngineExecs.prototype, 'start');
    const sandbox = await server.sandbox();
    const parked = (await starts.mock.results[0]?.value) as Duplex;
    starts.mockRestore();
    const run = await sandbox.run(['sh', '-c', 'echo up; sleep 1000'], { onChunk: () => parked.destroy() });
    expect(run.end).toMatchObject({ cause: 'lost', reason: 'The connection to the container was cut.' });
    await sandbox.cleanup();
  });

  const byRole = async (id: string, role: string): Promise<Dockerode.Container[]> => {
    const label = [`org.ergon.sandbox.sandbox=${id}`, `org.ergon.sandbox.role=${role}`];
    return (await docker.listContainers({ filters: { label } })).map(({ Id }) => docker.getContainer(Id));
  };
  const running = async (id: string): Promise<string[]> =>
    (await docker.listContainers({ filters: { label: [`org.ergon.sandbox.sandbox=${id}`] } }))
      .map(({ Names: [name = ''] }) => name.split(id)[1]?.slice(1) ?? name)
      .sort();
  const asRoot = (container: Dockerode.Container, script: string): Promise<string> =>
    new RawContainer(container).exec(['sh', '-c', script], { User: '0:0', Privileged: true });

  test.each<[string, string, (container: Dockerode.Container) => Promise<unknown>]>([
    ['killed', 'run', (container) => container.kill()],
    ['removed', 'run', (container) => container.remove({ force: true })],
    ['paused', 'run', (container) => container.pause()],
    ['robbed of its shell', 'run', (container) => asRoot(container, 'kill -9 $(pgrep -f "read -r script")')],
    ['no longer watched', 'keeper', (container) => Promise.all([container.wait(), container.kill()])],
  ])('a parked container that is %s from outside between two commands is made again', async (_, role, end) => {
    const sandbox = await server.sandbox();
    const first = await sandbox.sh('echo kept > file');
    expect(first.end).toMatchObject({ cause: 'exited', exitCode: 0 });
    await until('the next container is parked and watched, and the first is gone', async () =>
      isDeepStrictEqual(await running(sandbox.id), ['keeper-1', 'run-2', 'watch-2']),
    );
    for (const container of await byRole(sandbox.id, role)) await end(container);
    for (let round = 0; round < 2; round++) {
      const { stdout, end, wallMs } = await sandbox.sh('cat file');
      expect({ stdout, end }).toMatchObject({ stdout: 'kept\n', end: { cause: 'exited', exitCode: 0, reason: null } });
      expect(wallMs).toBeLessThan(10_000);
    }
    await sandbox.cleanup();
  });
});
