import { chmodSync, chownSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { isRoot, TestServer } from './support/server.js';
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

const python = async (text: string): Promise<string> => {
  const { stdout, stderr } = await server.run(['python3', '-c', text]);
  return stdout + stderr;
};

test('pid, mount, ipc, uts, user, network and cgroup namespaces are its own', async () => {
  const names = ['pid', 'mnt', 'ipc', 'uts', 'user', 'net', 'cgroup'];
  const { stdout } = await server.run(['sh', '-c', names.map((name) => `readlink /proc/self/ns/${name}`).join('; ')]);
  const hosts = names.map((name) => readlinkSync(`/proc/self/ns/${name}`));
  const theirs = stdout.trim().split('\n');
  expect(theirs).toHaveLength(names.length);
  for (const [index, name] of names.entries())
    expect({ name, shared: theirs[index] === hosts[index] }).toEqual({ name, shared: false });
});

test('no capabilities, no new privileges, a seccomp filter, on the program and on its init', async () => {
  const { stdout } = await server.run([
    'grep',
    '-hE',
    '^(Cap|NoNewPrivs|Seccomp:)',
    '/proc/self/status',
    '/proc/1/status',
  ]);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.replace(/\s+/, ' '));
  const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => `${set}: 0000000000000000`);
  const expected = [...sets, 'NoNewPrivs: 1', 'Seccomp: 2'];
  expect(lines).toEqual([...expected, ...expected]);
});

test('a setuid program gives nothing', async () => {
  const { stdout } = await server.run([
    'sh',
    '-c',
    'ls /usr/bin/su /usr/bin/passwd >/dev/null 2>&1 && echo there; id -u; su -c "id -u" 2>/dev/null </dev/null || echo refused',
  ]);
  expect(stdout).toBe('there\n1000\nrefused\n');
});

test('no nested user namespaces, by unshare or by clone', async () => {
  const nested = `import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
print('unshare', c.unshare(0x10000000), os.strerror(ctypes.get_errno()))
print(open('/proc/sys/user/max_user_namespaces').read().strip())`;
  expect(await python(nested)).toMatch(/^unshare -1 Operation not permitted\n/);
});

test('a new session without a controlling terminal: nothing can be typed into the one of the server', async () => {
  const type = `import fcntl, os, termios
print(os.getsid(0) != 0 and os.getpgid(0) >= 0)
try: os.open('/dev/tty', os.O_RDWR); print('a terminal')
except OSError as e: print('no terminal')
m, s = os.openpty()
try: fcntl.ioctl(s, termios.TIOCSTI, b'x'); print('typed')
except OSError as e: print(e.strerror)`;
  expect(await python(type)).toBe('True\nno terminal\nOperation not permitted\n');
});

test('the kernel is asked for nothing that the filter refuses', async () => {
  const refused = `import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
  r = c.syscall(*args); print(name, r, os.strerror(ctypes.get_errno()))
arm = os.uname().machine == 'aarch64'
call('ptrace', 117 if arm else 101, 0, 0, 0, 0)
call('mount', 40 if arm else 165, 0, 0, 0, 0, 0)
call('bpf', 280 if arm else 321, 0, 0, 0)
call('io_uring_setup', 425, 1, 0)
call('keyctl', 219 if arm else 250, 0, 0, 0)`;
  const lines = ['ptrace', 'mount', 'bpf', 'io_uring_setup', 'keyctl'].map(
    (name) => `${name} -1 Operation not permitted\n`,
  );
  expect(await python(refused)).toBe(lines.join(''));
});

test('a program sees its own processes only, and cannot end its init', async () => {
  const { stdout } = await server.run([
    'sh',
    '-c',
    'set -- /proc/[0-9]*; echo $#; kill -STOP 1; kill -9 1; echo alive',
  ]);
  expect(stdout).toBe('2\nalive\n'); // init and the shell
});

test('a program cannot write its own end: the descriptors of its init are no way in', async () => {
  const forge = `
    for fd in 0 1 2 3 4 5 9; do (echo '{ "exit-code": 0 }'; echo 00000000000000000000000000000000 127) > /proc/1/fd/$fd; done 2>/dev/null
    exit 3`;
  const { end } = await server.run(['sh', '-c', forge]);
  expect(end).toMatchObject({ cause: 'exited', exitCode: 3, signal: null });
});

test("a root server's sandboxes run as host users that are unprivileged, unused, and different", async () => {
  const sandboxes = await Promise.all([server.sandbox(), server.sandbox()]);
  const stop = new AbortController();
  const running = sandboxes.map((sandbox) => sandbox.sh('exec sleep 1000', { signal: stop.signal }));
  const uids = (): string[] =>
    readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid) || !sandboxes.some(({ id }) => read(`/proc/${pid}/environ`).includes(id))) return [];
      return [/^Uid:\s+(.*)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? ''];
    });
  let seen: string[] = [];
  await until('both run', () => {
    seen = [...new Set(uids())].filter((uid) => uid !== '');
    return seen.length >= (isRoot ? 2 : 1);
  });
  stop.abort();
  await Promise.all(running);
  for (const sandbox of sandboxes) await sandbox.cleanup();
  if (!isRoot) expect(seen).toEqual([Array.from({ length: 4 }, () => process.getuid?.()).join('\t')]);
  else {
    expect(seen).toHaveLength(2);
    for (const uid of seen) {
      const numbers = uid.split('\t').map(Number);
      expect(new Set(numbers).size).toBe(1);
      expect(numbers[0]).toBeGreaterThanOrEqual(1_879_048_192);
    }
  }
});

// An ordinary user's process can't put its groups off.
if (isRoot) {
  test("the server's supplementary groups are not the program's, nor those that copy its solution", async () => {
    const own = process.getgroups?.() ?? [];
    const foreign = 54321;
    const solution = server.solution({ secret: 'text' });
    chownSync(join(solution, 'secret'), 0, foreign);
    chmodSync(join(solution, 'secret'), 0o640);
    process.setgroups?.([...own, foreign]);
    try {
      const { stdout } = await server.run(['grep', '^Groups:', '/proc/self/status', '/proc/1/status']);
      expect(stdout).toMatch(/^\S+Groups:\s+\n\S+Groups:\s+\n$/);
      await expect(server.provider.prepare('s', solution, server.config())).rejects.toThrow(/Permission denied/);
    } finally {
      process.setgroups?.(own);
    }
  });
}

test('all of the tree dies with the sandbox, while it runs', async () => {
  const sandbox = await server.sandbox();
  const running = sandbox.sh("trap '' TERM; (setsid sh -c 'trap \"\" TERM HUP; sleep 1000' &) ; echo up; sleep 1000", {
    killGraceMs: 100,
  });
  await until('it runs', () => server.leftovers().filter((line) => line.includes('sleep 1000')).length > 1);
  expect(await sandbox.cleanup()).toBe(true);
  expect(server.leftovers()).toEqual([]);
  expect((await running.catch((error: unknown) => ({ end: error }))).end).toBeDefined();
});

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended while we looked
  }
}
