import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecuteOptions, ExecutionEnd, SandboxConfig, SandboxLimits } from '@ergon/sandbox-core';
import { processTable } from '../src/macos/meter.js';
import { standInMachine, StandInProvider, standInTools } from '../src/macos/test/stand-in.js';
import type { MacTools } from '../src/macos/tools.js';

let folder: string;
let stateDir: string;
let solution: string;
let tools: MacTools;
let provider: StandInProvider;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'ergon-macos-')));
  stateDir = join(folder, 'state');
  solution = join(folder, 'solution');
  mkdirSync(solution);
  writeFileSync(join(solution, 'main.txt'), 'main');
  tools = standInTools(folder);
  provider = new StandInProvider(standInMachine(tools), stateDir);
});
afterEach(async () => {
  await provider[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const limits: SandboxLimits = {
  memoryBytes: 256 << 20,
  cpus: 1,
  pids: 32,
  diskBytes: 64 << 20,
  openFiles: 128,
  fileBytes: 16 << 20,
  outputBytes: 64 << 20,
  timeoutMs: 60_000,
};

function prepare(more: Partial<SandboxLimits> = {}, environment: Record<string, string> = {}): Promise<string> {
  const config: SandboxConfig = {
    sandboxId: randomUUID(),
    instanceId: 'instance-1',
    ownerId: 'me',
    limits: { ...limits, ...more },
    network: { mode: 'none' },
    environment,
    mounts: [],
  };
  return provider.prepare('hello', solution, config);
}

interface Ran extends ExecutionEnd {
  readonly stdout: string;
  readonly stderr: string;
}

async function execute(id: string, command: readonly string[], options: Partial<ExecuteOptions> = {}): Promise<Ran> {
  const text = { stdout: '', stderr: '' };
  for await (const { stream, data } of provider.execute(id, command, { timeoutMs: 60_000, ...options })) {
    text[stream] += Buffer.from(data).toString();
  }
  return { ...(await provider.getResult(id)), ...text };
}
const sh = async (
  script: string,
  options: Partial<ExecuteOptions> = {},
  more: Partial<SandboxLimits> = {},
): Promise<Ran> => execute(await prepare(more), ['/bin/sh', '-c', script], options);

/** Processes that have this word in their command. */
async function running(word: string): Promise<number> {
  return (await processTable(tools)).filter(({ words, zombie }) => words.includes(word) && !zombie).length;
}
const unique = (): string => `3600.${Math.floor(Math.random() * 1e9)}`;

describe('a program under a stand-in for sandbox-exec, which isolates nothing', () => {
  test('has its output read, and its exit code', async () => {
    const end = await sh('echo out; echo err >&2; exit 7');
    expect(end).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
      cause: 'exited',
      exitCode: 7,
      signal: null,
      limitsHit: [],
    });
  });

  test('finds the solution, a workspace that begins as its copy, an output, and a home and temporary folder of its own', async () => {
    const id = await prepare();
    const script = `cat main.txt "$SOLUTION_DIR/main.txt"; echo; pwd -P; echo "$WORKSPACE_DIR"
      for folder in "$OUTPUT_DIR" "$HOME" "$TMPDIR"; do echo new >"$folder/file"; cat "$folder/file"; done`;
    const end = await execute(id, ['/bin/sh', '-c', script]);
    const disk = join(stateDir, 'instance-1', id, 'disk');
    const workspace = join(disk, 'workspace');
    expect(end.stdout.split('\n')).toEqual(['mainmain', workspace, workspace, 'new', 'new', 'new', '']);
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0, stderr: '' });
    expect(readdirSync(disk).sort()).toEqual(['home', 'output', 'tmp', 'workspace']);
  });

  test('gets no variable of the server or of the shells before it', async () => {
    process.env.ERGON_TEST_SECRET = 'secret';
    const id = await prepare({}, { A: "it's $HOME\nnew", PATH: '/usr/bin:/bin' });
    const { stdout } = await execute(id, ['/usr/bin/env', '-0'], { environment: { B: 'b' } }).finally(
      () => delete process.env.ERGON_TEST_SECRET,
    );
    const variables = new Map(
      stdout.split('\0').map((line) => [line.replace(/=[^]*/, ''), line.replace(/^[^=]*=/, '')]),
    );
    const names = [...variables.keys()].filter((name) => !['', '_', 'SHLVL'].includes(name)).sort();
    const ours = [
      'ERGON_SANDBOX_MARK',
      'HOME',
      'LANG',
      'OUTPUT_DIR',
      'PATH',
      'SANDBOX_ID',
      'SOLUTION_DIR',
      'TMPDIR',
      'WORKSPACE_DIR',
    ];
    expect(names).toEqual(['A', 'B', ...ours]);
    expect(variables.get('A')).toBe("it's $HOME\nnew");
    expect(variables.get('PATH')).toBe('/usr/bin:/bin');
  });

  test('has none of its variables in what runs before the sandbox is there', async () => {
    const script = readFileSync(tools.sandboxExec, 'utf8');
    writeFileSync(tools.sandboxExec, script.replace('while', `/usr/bin/env >>"${folder}/seen"\nwhile`));
    const id = await prepare(
      {},
      { DYLD_INSERT_LIBRARIES: 'x', MallocLogFile: 'x', SECRET: 'x', BASH_ENV: '/dev/stderr' },
    );
    expect(await execute(id, ['/usr/bin/printenv', 'SECRET'])).toMatchObject({ stdout: 'x\n', stderr: '' });
    const names = readFileSync(join(folder, 'seen'), 'utf8').replace(/=.*/g, '').split('\n');
    expect([...new Set(names)].sort()).toEqual(['', 'LANG', 'PATH', 'PWD', 'SHLVL', '_']); // the stand-in's shell adds three
  });

  test('may have its folders below any name', async () => {
    const odd = join(folder, `o"d'd (x)\n; $(id) ü`);
    mkdirSync(join(odd, 'solution'), { recursive: true });
    writeFileSync(join(odd, 'solution', 'main.txt'), 'main');
    await using there = new StandInProvider(standInMachine(tools), join(odd, 'state'));
    [provider, solution] = [there, join(odd, 'solution')];
    const end = await sh('cat main.txt "$SOLUTION_DIR/main.txt"; echo >"$OUTPUT_DIR/x"; cd "$TMPDIR" && pwd');
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0, stderr: '' });
    expect(end.stdout).toContain(`mainmain${odd}/state/instance-1/`);
    expect(end.usage.diskBytes).toBeGreaterThan(0);
  });

  test('keeps its workspace from one command to the next', async () => {
    const id = await prepare();
    await execute(id, ['/bin/sh', '-c', 'echo kept >file']);
    expect(await execute(id, ['/bin/cat', 'file'])).toMatchObject({ stdout: 'kept\n', exitCode: 0 });
    expect(existsSync(join(solution, 'file'))).toBe(false);
  });

  test('reads its input to the end', async () => {
    const id = await prepare();
    async function* input(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('one ');
      yield Buffer.from('two');
    }
    expect(await execute(id, ['/bin/cat'], { stdin: input() })).toMatchObject({ stdout: 'one two', exitCode: 0 });
  });

  test('has an empty input if there is none', async () => {
    expect(await sh('cat; echo done')).toMatchObject({ stdout: 'done\n', exitCode: 0 });
  });

  test.each([
    ['a signal', 'kill -SEGV $$', { cause: 'signalled', signal: 'SIGSEGV', exitCode: 139 }],
    ['an exit with such a number', 'exit 139', { cause: 'exited', signal: null, exitCode: 139 }],
    ['SIGPIPE, which shells hide', 'kill -PIPE $$', { cause: 'signalled', signal: 'SIGPIPE', exitCode: 141 }],
  ])('that ends by %s is told so', async (_how, script, expected) => {
    expect(await sh(script)).toMatchObject(expected);
  });

  test.each([
    ['is not there', '/nowhere/program', 'was not found'],
    ['is no program', './noise', 'is not executable'],
  ])('whose command %s did not start', async (_how, command, why) => {
    writeFileSync(join(solution, 'noise'), Buffer.from([1, 0, 2, 0, 255, 10]), { mode: 0o755 });
    const end = await execute(await prepare(), [command]);
    expect(end).toMatchObject({ cause: 'not-started', exitCode: null });
    expect(end.reason).toContain(why);
  });

  test('gets SIGTERM at its deadline, may end by it, and is told as timed out', async () => {
    const end = await sh('trap "echo bye; exit 3" TERM; while :; do sleep 0.05; done', {
      timeoutMs: 3000,
      killGraceMs: 30_000,
    });
    expect(end).toMatchObject({ cause: 'timeout', stdout: 'bye\n', exitCode: 3 });
  });

  test('is killed with all of its processes when it ignores its deadline', async () => {
    const word = unique();
    const end = await sh(`trap "" TERM; sleep ${word} & sleep ${word}`, { timeoutMs: 3000, killGraceMs: 200 });
    expect(end).toMatchObject({ cause: 'timeout', exitCode: null });
    expect(await running(word)).toBe(0);
  });

  test('leaves no process behind: not in the background, not in a session of its own, not without a parent', async () => {
    const word = unique();
    const end = await sh(`sleep ${word} & setsid sleep ${word} & (setsid sleep ${word} &) ; sleep 0.5; echo done`);
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0, stdout: 'done\n' });
    expect(await running(word)).toBe(0);
  });

  test('leaves none that had left group and parent before anybody looked, while it has the mark', async () => {
    const word = unique();
    const end = await sh(`(setsid sleep ${word} </dev/null >/dev/null 2>&1 &)`);
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0 });
    expect(await running(word)).toBe(0);
  });

  test('ends although a process that hides from every look has its output', async () => {
    const word = unique();
    const end = await sh(`(setsid env -i sleep ${word} &) ; echo done`);
    for (const { pid, words } of await processTable(tools)) if (words.includes(word)) process.kill(pid, 'SIGKILL');
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0, stdout: 'done\n' });
  });

  test('ends when its reader leaves', async () => {
    const word = unique();
    const id = await prepare();
    for await (const chunk of provider.execute(id, ['/bin/sh', '-c', `echo go; sleep ${word}`], {
      timeoutMs: 60_000,
      killGraceMs: 50,
    })) {
      expect(Buffer.from(chunk.data).toString()).toBe('go\n');
      break;
    }
    expect(await provider.getResult(id)).toMatchObject({ cause: 'stopped' });
    expect(await running(word)).toBe(0);
  });

  test('writes much more than anybody reads ahead, and all of it arrives', async () => {
    const id = await prepare();
    let bytes = 0;
    for await (const { data } of provider.execute(id, ['/bin/sh', '-c', 'head -c 20000000 /dev/zero'], {
      timeoutMs: 60_000,
    })) {
      bytes += data.length;
    }
    expect(bytes).toBe(20_000_000);
  });
});

describe('limits under a stand-in for sandbox-exec, which isolates nothing', () => {
  test('memory: the sum of its processes', async () => {
    const hog = 'python3 -c "import time; x = bytearray(120 << 20); time.sleep(20)"';
    const end = await sh(`${hog} & ${hog} & ${hog} & wait`);
    expect(end).toMatchObject({ cause: 'limit', exitCode: null });
    expect(end.limitsHit).toMatchObject([{ limit: 'memory', value: 256 << 20 }]);
    expect(end.usage.memoryPeakBytes).toBeGreaterThan(256 << 20);
  });

  test('processes: as many as allowed are told, more end the run', async () => {
    const full = await sh('for i in 1 2 3 4 5 6 7; do sleep 4 & done; wait; exit 4', {}, { pids: 8 });
    expect(full).toMatchObject({ cause: 'exited', exitCode: 4, limitsHit: [{ limit: 'pids', value: 8 }] });
    const end = await sh('for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 20 & done; wait', {}, { pids: 8 });
    expect(end).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'pids', value: 8 }] });
  });

  test('disk: of workspace, output, home and temporary folder together', async () => {
    const fill = 'for f in . "$OUTPUT_DIR" "$HOME" "$TMPDIR"; do head -c 12000000 /dev/zero >"$f/big"; done; sleep 20';
    const end = await sh(fill, {}, { diskBytes: 40 << 20 });
    expect(end).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'disk', value: 40 << 20 }] });
    expect(end.usage.diskBytes).toBeGreaterThan(40 << 20);
  });

  test('files: each takes a part of the disk, empty or not', async () => {
    const end = await sh(
      'i=0; while [ $i -lt 400 ]; do : >"file$i"; i=$((i + 1)); done; sleep 20',
      {},
      { diskBytes: 1 << 20 },
    );
    expect(end).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'disk' }] });
  });

  test('size of one file', async () => {
    const end = await sh("exec python3 -c \"open('big', 'wb').write(bytes(20 << 20))\"");
    expect(end.stderr).toContain('File too large');
    const signalled = await sh('exec dd if=/dev/zero of=big bs=1M count=20');
    expect(signalled).toMatchObject({ signal: 'SIGXFSZ', limitsHit: [{ limit: 'file-size', value: 16 << 20 }] });
  });

  test('open files', async () => {
    const end = await sh('ulimit -n; ulimit -H -n; ulimit -c');
    expect(end.stdout).toBe('128\n128\n0\n');
  });

  test('time of a process: no more than the CPUs have until the deadline', async () => {
    const end = await sh('exec python3 -c "while True: pass"', { timeoutMs: 100_000 }, { timeoutMs: 1000, cpus: 0.5 });
    expect(end).toMatchObject({ cause: 'signalled', signal: 'SIGXCPU', limitsHit: [{ limit: 'cpu', value: 0.5 }] });
    expect(end.usage.cpuTimeMs).toBeGreaterThanOrEqual(1000);
  });

  test('a watchdog that can no longer look ends the run', async () => {
    const id = await prepare();
    const works = readFileSync(tools.sandboxExec);
    for await (const { data } of provider.execute(id, ['/bin/sh', '-c', 'echo go; sleep 3600'], {
      timeoutMs: 3_600_000,
    })) {
      expect(Buffer.from(data).toString()).toBe('go\n');
      writeFileSync(tools.sandboxExec, '#!/bin/sh\necho broken >&2\nexit 1\n'); // by which it would measure the disk
    }
    const end = await provider.getResult(id);
    writeFileSync(tools.sandboxExec, works);
    expect(end).toMatchObject({ cause: 'lost', exitCode: null });
    expect(end.reason).toContain('A limit could no longer be watched');
  });
});

describe('what is left, under a stand-in for sandbox-exec, which isolates nothing', () => {
  test('nothing, whatever a program made of its folders', async () => {
    const id = await prepare();
    const end = await execute(id, [
      '/bin/sh',
      '-c',
      'mkdir -p deep/a/b "$OUTPUT_DIR/x"; : >"$OUTPUT_DIR/x/f"; ln -s / deep/root; chmod 000 deep/a "$OUTPUT_DIR/x"; : >"$(printf "new\\nline")"',
    ]);
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0 }); // measured, too
    expect(await provider.cleanup(id)).toBe(true);
    expect(readdirSync(stateDir)).toEqual([]);
  });

  test.each(['rm -rf ../../*', 'mv ../output . && mv "$HOME" "$TMPDIR"', 'rm -rf "$TMPDIR"; : >"$TMPDIR"'])(
    'nothing, though a program took its folders away: %s',
    async (script) => {
      const id = await prepare();
      const end = await execute(id, ['/bin/sh', '-c', script]);
      expect(['exited', 'lost']).toContain(end.cause); // what can't be measured is lost
      expect(await provider.cleanup(id)).toBe(true);
      expect(readdirSync(stateDir)).toEqual([]);
    },
  );

  test('what can not be removed as in the sandbox is told, stays known, and is removed by the next try', async () => {
    const id = await prepare();
    const works = readFileSync(tools.sandboxExec);
    writeFileSync(tools.sandboxExec, '#!/bin/sh\necho broken >&2; exit 1\n');
    await expect(provider.cleanup(id)).rejects.toMatchObject({
      code: 'SANDBOX011',
      message: expect.stringContaining('could not be emptied: broken') as string,
    });
    writeFileSync(tools.sandboxExec, works);
    expect(await provider.cleanup(id)).toBe(true);
    expect(readdirSync(stateDir)).toEqual([]);
  });

  test('a link in the place of a folder does not lead the removal elsewhere', async () => {
    const precious = join(folder, 'precious');
    mkdirSync(precious);
    writeFileSync(join(precious, 'file'), 'kept');
    const id = await prepare();
    await execute(id, ['/bin/sh', '-c', `rm -rf "$OUTPUT_DIR"; ln -s ${precious} "$OUTPUT_DIR"`]);
    await provider.cleanup(id);
    expect(readFileSync(join(precious, 'file'), 'utf8')).toBe('kept');
  });
});
