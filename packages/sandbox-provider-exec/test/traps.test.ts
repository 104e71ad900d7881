import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  chmodSync,
  chownSync,
  writeFileSync,
  promises,
} from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BareSandbox } from './support/bare.js';
import { ChildServer } from './support/child.js';
import { isRoot, TestServer } from './support/server.js';
import { until } from './support/until.js';
import { BWRAP, FIRST_ETC } from '../src/linux/launch/launcher.js';
import { makePipes } from '../src/linux/launch/pipes.js';
import { bubblewrapArguments, etcFiles, INIT_SHELL } from '../src/linux/bubblewrap/arguments.js';
import { runCommand } from '../src/posix/command.js';
import { runOverOwnFiles } from '../src/linux/own-files.js';

/*
 * Each attack runs twice: with the counter-measure taken out of the test's own argument list, where it succeeds, and with it, where it
 * fails. Where an ordinary user's server has nothing to lose by it, the test says so by what it expects there.
 */

let bare: BareSandbox;
beforeEach(() => {
  bare = new BareSandbox();
});
afterEach(() => {
  bare.remove();
});

describe('bubblewrap as root', () => {
  const sysctl = '/proc/sys/kernel/core_pattern';
  // Writes what is there already: harmless where it succeeds.
  const write = `p=$(cat ${sysctl}); (echo "$p" > ${sysctl}) 2>/dev/null && echo written || echo refused`;
  const readOnly = [['--ro-bind', '/proc/sys', '/proc/sys']];

  test("writes the host's sysctls, unless the uid is dropped first, or they are read-only", async () => {
    const open = await bare.sh(write, { keepUid: true, without: readOnly });
    expect(open.stdout).toBe(isRoot ? 'written\n' : 'refused\n'); // an ordinary user is none to the sysctl's owner
    expect((await bare.sh(write, { without: readOnly })).stdout).toBe('refused\n');
    expect((await bare.sh(write, { keepUid: true })).stdout).toBe('refused\n');
    expect((await bare.sh(write)).stdout).toBe('refused\n');
  });
});

describe('a mount destination below an untrusted bind (CVE-2026-87766)', () => {
  test('makes files on the host through a link; flat destinations do not', async () => {
    const target = join(bare.folder, 'target');
    mkdirSync(target, { mode: 0o777 });
    chownSync(target, bare.uid, bare.uid);
    symlinkSync(`../../oldroot${target}`, join(bare.folder, 'workspace', 'x'));
    const added = ['--ro-bind', '/usr/bin/env', '/workspace/x/made'];
    // Before the root is sealed, as a product that mounts there would do it.
    await bare.run(['/bin/true'], { without: [['--remount-ro', '/']], added });
    expect(existsSync(join(target, 'made'))).toBe(true);
    await promises.rm(join(target, 'made'));
    await bare.run(['/bin/true']);
    expect(existsSync(join(target, 'made'))).toBe(false);
  });

  test('no destination of the product lies below what a program can write', () => {
    const destinations = bubblewrapArguments({
      paths: { solution: '/s', workspace: '/w', output: '/o' },
      runtimes: [{ name: 'python', source: '/p', target: '/runtimes/python' }],
      systemFolders: [],
      pythonLink: '/usr/bin/python3',
      temporaryBytes: 1 << 20,
      terminals: false,
      initShell: 10,
      etc: { passwd: 11 },
    }).filter((word) => word.startsWith('/'));
    const writable = ['/workspace/', '/output/', '/tmp/', '/home/sandbox/', '/dev/shm/', '/solution/'];
    expect(destinations).toContain('/workspace');
    expect(destinations.filter((path) => writable.some((folder) => path.startsWith(folder)))).toEqual([]);
  });
});

describe("the server's environment and arguments", () => {
  const look = 'tr "\\0" "\\n" < /proc/1/environ; tr "\\0" "\\n" < /proc/1/cmdline';

  test('show in /proc/1 of a bubblewrap that got them, and not where the init is executed without them', async () => {
    const environment = { SECRET: 'hunter2' };
    const leaking = { environment, onCommandLine: true, without: [['--as-pid-1']] };
    const open = await bare.sh(look, leaking);
    expect(open.stdout).toContain('SECRET=hunter2');
    expect(open.stdout).toContain(bare.folder);
    const closed = await bare.sh(look, { environment });
    expect(closed.stdout).not.toContain('hunter2');
    expect(closed.stdout).not.toContain(bare.folder);
  });

  test('are nowhere in /proc of a sandbox of the product', async () => {
    process.env.ERGON_TEST_SECRET = 'hunter2';
    await using server = new TestServer();
    const { stdout } = await server.run([
      'sh',
      '-c',
      'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/*/mountinfo | tr "\\0" "\\n"',
    ]);
    delete process.env.ERGON_TEST_SECRET;
    expect(stdout).toContain('SANDBOX_ID');
    expect(stdout).not.toContain('hunter2');
    expect(stdout).not.toContain('ERGON_TEST');
    expect(stdout).not.toContain('PATH=/usr/sbin');
  });
});

describe('descriptors that the server inherited without CLOEXEC', () => {
  const script = 'ls -l /proc/self/fd /proc/1/fd; python3 -c "import os; print(os.read(21, 99))"';

  test('reach a program, unless each is covered', async () => {
    const secret = join(bare.folder, 'secret');
    writeFileSync(secret, 'a secret');
    const fd = openSync(secret, 'r');
    const stdio: ('ignore' | 'pipe' | number)[] = [
      ...(['ignore', 'pipe', 'pipe'] as const),
      ...Array<'ignore'>(18).fill('ignore'),
      fd,
    ];
    // A server process that has it at 21: it spawns a sandbox as it is, and one as the product does.
    const server = new ChildServer('leaking-server.ts', [JSON.stringify(script)], { stdio });
    await server.exited;
    closeSync(fd);
    const outputs = Object.fromEntries(server.said.map(({ type, text }) => [type, String(text)]));
    expect(outputs.plain).toContain('a secret');
    expect(outputs.product).not.toContain('a secret');
    expect(outputs.product).toContain('/dev/null');
    expect(outputs.product).not.toContain('secret');
  });
});

describe('a worker thread as parent', () => {
  test("ends a sandbox with its own end; the product's server refuses to work in one", async () => {
    const { words } = bare.command(['/bin/sleep', '1000'], {
      onCommandLine: true,
      noSeccomp: true,
      without: dataWords(),
    });
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      const child = require('node:child_process').spawn(workerData[0], workerData.slice(1), { stdio: 'ignore', detached: true });
      setTimeout(() => { parentPort.postMessage(child.pid); }, 300);`;
    const worker = new Worker(code, { eval: true, workerData: words });
    const pid = await new Promise<number>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    const state = (): string =>
      existsSync(`/proc/${pid}/stat`) ? (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '') : 'gone';
    expect(state()).toMatch(/^[SRD]/);
    await worker.terminate();
    await until('it has ended', () => /^(Z|gone)/.test(state())); // by itself it would sleep for longer

    const child = new ChildServer('worker-server.ts', []);
    await child.exited;
    expect(child.said).toEqual([
      { type: 'probe', available: false, reason: expect.stringContaining('worker thread') as string },
    ]);
  });
});

describe("Node's own removal", () => {
  test('fails on what a program can leave; ours does not', async () => {
    const make = `import os
os.chdir('/workspace')
for i in range(3000): os.mkdir('d'); os.chdir('d')
os.chdir('/workspace'); os.mkdir('locked'); open('locked/x', 'w').close(); os.chmod('locked', 0)
os.mkdir(b'\\xff\\xfe'); open(b'\\xff\\xfe/\\x80', 'w').close()`;
    expect((await bare.run(['/usr/bin/python3', '-c', make])).code).toBe(0);
    const workspace = join(bare.folder, 'workspace');
    await expect(promises.rm(workspace, { recursive: true, force: true })).rejects.toThrow(
      /ENAMETOOLONG|EACCES|ENOTEMPTY/,
    );
    expect(existsSync(workspace)).toBe(true);
    expect(await runOverOwnFiles('rm', ['-rf', '--', workspace])).toMatchObject({ code: 0 });
    expect(existsSync(workspace)).toBe(false);
  });
});

describe('a private folder', () => {
  test("can't be bound by the sandbox's uid; what root binds first can", async () => {
    const home = join(bare.folder, 'home');
    mkdirSync(join(home, 'runtime'), { recursive: true });
    writeFileSync(join(home, 'runtime', 'file'), 'from a private folder');
    chmodSync(home, 0o700);
    const added = ['--ro-bind', join(home, 'runtime'), '/tmp/runtime'];
    const run = await bare.sh('cat /tmp/runtime/file', { added });
    if (isRoot) expect(run.stderr).toMatch(/Can't find source path.*Permission denied/);
    else expect(run.stdout).toBe('from a private folder');
    await using server = new TestServer(); // whose home is private as well
    expect((await server.run(['cat', '/solution/file'], {}, { file: 'from a private folder' })).stdout).toBe(
      'from a private folder',
    );
  });
});

describe('standard streams', () => {
  test("as Node's sockets can't be opened again, as our pipes they can", async () => {
    const script = 'echo again > /dev/stdout || echo failed; echo more > /dev/stderr; exec 2>/dev/null; cat /dev/stdin';
    expect((await bare.sh(script)).stdout).toBe('failed\n');
    await using server = new TestServer();
    const { stdout, stderr } = await server.run(['sh', '-c', script]);
    expect({ stdout, stderr }).toEqual({ stdout: 'again\n', stderr: 'more\n' });
  });

  test("as a pipe of root's they can't be opened by the sandbox's uid, as its own they can", async () => {
    const asRoot = await makePipes(null);
    const owned = await makePipes(bare.uid);
    const outcome = async ({ stdout }: typeof asRoot): Promise<string> => {
      await bare.sh('echo again > /dev/stdout || echo failed', { stdout: stdout.theirs });
      closeSync(stdout.theirs);
      return readFileSync(stdout.ours, 'utf8');
    };
    expect(await outcome(asRoot)).toBe(isRoot ? 'failed\n' : 'again\n');
    expect(await outcome(owned)).toBe('again\n');
    for (const { stdin, stdout, stderr } of [asRoot, owned])
      [stdin.ours, stdin.theirs, stdout.ours, stderr.ours, stderr.theirs].forEach(closeSync);
  });

  test('as a file let a program read what others wrote into it; as a pipe they do not', async () => {
    const log = join(bare.folder, 'log');
    writeFileSync(log, 'written by another\n', { mode: 0o666 });
    chmodSync(log, 0o666);
    const fd = openSync(log, 'a');
    const read = 'exec 3>&1; timeout 0.3 cat /proc/self/fd/3 >&2';
    expect((await bare.sh(read, { stdout: fd })).stderr).toContain('written by another');
    closeSync(fd);
    await using server = new TestServer();
    const sandbox = await server.sandbox();
    await sandbox.sh('echo written by another');
    expect((await sandbox.sh(read)).stderr).toBe('');
  });

  test('stdin that has ended can be opened again without waiting for ever', async () => {
    await using server = new TestServer();
    const sandbox = await server.sandbox();
    const input = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('typed\n');
    };
    const { stdout } = await sandbox.sh('sleep 0.2; cat /dev/stdin; cat /dev/stdin; echo end', {
      stdin: input(),
      timeoutMs: 5000,
    });
    expect(stdout).toBe('typed\nend\n');
  });
});

describe('a workspace that is a tmpfs', () => {
  test('is memory and not disk; a disk of its own is not memory', async () => {
    const write = 'dd if=/dev/zero of=/workspace/big bs=1M count=48 2>/dev/null; du -sm /workspace | cut -f1';
    // A tmpfs: nothing of it lies on the disk that a limit could count.
    const inMemory = await bare.sh(`${write}; df --output=fstype /workspace | tail -1`, {
      without: [
        ['--bind', join(bare.folder, 'workspace'), '/workspace'],
        ['--remount-ro', '/'],
        ['--chdir', '/workspace'],
      ],
      added: ['--size', String(256 << 20), '--tmpfs', '/workspace'],
    });
    expect(inMemory.stdout).toBe('48\ntmpfs\n');
    await using server = new TestServer();
    const { stdout, end } = await server.run(['sh', '-c', `${write}; df --output=fstype /workspace | tail -1`], {
      memoryBytes: 32 << 20,
    });
    expect(stdout).not.toContain('tmpfs');
    expect(stdout).toMatch(/^4[89]\n/);
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0, limitsHit: [] });
  });
});

describe('/dev', () => {
  test('is a writable folder in memory without bound, unless it is sealed', async () => {
    const write =
      'head -c 1000000 /dev/zero > /dev/big && echo written || echo refused; echo x > /dev/null && echo null works';
    expect((await bare.sh(write, { without: [['--remount-ro', '/dev']] })).stdout).toBe('written\nnull works\n');
    expect((await bare.sh(write)).stdout).toBe('refused\nnull works\n');
  });
});

describe('a core dump', () => {
  const crash = 'cd /workspace; python3 -c "import ctypes; ctypes.string_at(0)"; ls core* 2>/dev/null | wc -l';

  test('of a crash is written, or given to a program that runs as root, unless the limit is 1', async () => {
    // Where core_pattern names a program, the kernel starts it even at a limit of 0; at 1 it does neither. This machine's is a file.
    const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8');
    const dumped = await bare.sh(`ulimit -c unlimited; ${crash}`, { noSeccomp: true });
    const { stdout: most } = await runCommand('/bin/sh', ['-c', 'ulimit -Hc']);
    expect(dumped.stdout).toBe(pattern.startsWith('core') && most !== '0\n' ? '1\n' : '0\n');
    await using server = new TestServer();
    expect((await server.run(['sh', '-c', crash])).stdout).toBe('0\n');
    const limits = 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE))';
    expect((await server.run(['python3', '-c', limits])).stdout).toBe('(1, 1)\n');
  });

  test('limit of 1 is lowered to 0 by a program, unless the filter keeps it; the program is told that it did', async () => {
    const lower = `import ctypes, os, resource
libc = ctypes.CDLL(None, use_errno=True)
x64 = os.uname().machine == 'x86_64'
zero = (ctypes.c_ulong * 2)(0, 0)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.prlimit(os.getpid(), resource.RLIMIT_CORE, (0, 0))
print(libc.syscall(160 if x64 else 164, ctypes.c_ulong(4 | 7 << 32), zero))
# A new limit at an address whose low 32 bits are zero.
address, page = 1 << 40, ctypes.c_long(4096)
libc.mmap.restype = ctypes.c_void_p
assert libc.mmap(ctypes.c_void_p(address), page, 3, 0x32, -1, ctypes.c_long(0)) == address
print(libc.syscall(302 if x64 else 261, 0, 4, ctypes.c_void_p(address), None))
print(resource.getrlimit(resource.RLIMIT_CORE))
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
print(resource.getrlimit(resource.RLIMIT_NOFILE))`;
    const open = await bare.run(['/usr/bin/prlimit', '--core=1', 'python3', '-c', lower], { noSeccomp: true });
    expect(open).toMatchObject({ stdout: '0\n0\n(0, 0)\n(20, 20)\n', stderr: '' });
    await using server = new TestServer();
    const { stdout, stderr } = await server.run(['python3', '-c', lower]);
    expect({ stdout, stderr }).toEqual({ stdout: '0\n0\n(1, 1)\n(20, 20)\n', stderr: '' });
  });
});

describe('nested user namespaces', () => {
  const nest = 'unshare -U true && echo nested || echo refused';

  test('can be made, unless the kernel is told not to, or the filter refuses', async () => {
    const disable = [['--disable-userns']];
    expect((await bare.sh(nest, { without: disable, noSeccomp: true })).stdout).toBe('nested\n');
    expect((await bare.sh(nest, { noSeccomp: true })).stdout).toBe('refused\n');
    expect((await bare.sh(nest, { without: disable })).stdout).toBe('refused\n');
    expect((await bare.sh(nest)).stdout).toBe('refused\n');
  });
});

describe('a controlling terminal (CVE-2017-5226)', () => {
  test('can be opened by a program, unless it gets a session of its own', async () => {
    const look = '(: < /dev/tty) 2>/dev/null && echo opened || echo none';
    const outcome = async (without: readonly (readonly string[])[]): Promise<string> => {
      const options = { onCommandLine: true, noSeccomp: true, without: [...dataWords(), ...without] };
      const { words } = bare.command(['/bin/sh', '-c', look], options);
      const line = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
      return (await runCommand('script', ['-qec', line, '/dev/null'])).stdout.trim();
    };
    expect(await outcome([['--new-session']])).toBe('opened');
    expect(await outcome([])).toBe('none');
  });
});

describe('the death of the parent', () => {
  test('leaves a sandbox running, unless it is told to die with it', async () => {
    const outcome = async (without: readonly (readonly string[])[]): Promise<string> => {
      const { words } = bare.command(['/bin/sleep', '3'], {
        onCommandLine: true,
        noSeccomp: true,
        without: [...dataWords(), ...without],
      });
      const line = words.map((word) => `'${word}'`).join(' ');
      // The parent waits until the sandbox is up, says its pid, and is killed.
      const { stdout } = await runCommand('/bin/sh', [
        '-c',
        `${line} </dev/null >/dev/null 2>&1 & p=$!; while ! grep -qs sleep /proc/$p/task/$p/children /proc/$(cat /proc/$p/task/$p/children | tr -d ' ')/comm; do :; done; echo $p; kill -9 $$`,
      ]);
      const pid = Number(stdout);
      expect(pid).toBeGreaterThan(1);
      const deadline = performance.now() + 1000;
      while (performance.now() < deadline)
        if (!existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z')) return 'ended';
      process.kill(pid, 'SIGKILL');
      return 'lives';
    };
    expect(await outcome([['--die-with-parent']])).toBe('lives');
    expect(await outcome([])).toBe('ended');
  });
});

/** For a command line that is run by hand, without the descriptors of files. */
function dataWords(): string[][] {
  return [
    ['--perms', '0111', '--ro-bind-data', String(BWRAP.initShell), INIT_SHELL],
    ...Object.keys(etcFiles).map((name, index) => [
      ...['--perms', '0444', '--ro-bind-data', String(FIRST_ETC + index), `/etc/${name}`],
    ]),
  ];
}
