import { TestServer } from './support/server.js';

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

const python = (text: string): string[] => ['python3', '-c', text];

/**
 * A program that takes over its init, which has its uid: writes machine code to where the init waits, and wakes it by an orphan.
 * Other machines than x86-64 get zeros, which end the init by SIGILL.
 */
const takeover = (code: string): string[] =>
  python(`import os, platform, struct, time
def write(fd, at, length): return b'\\xbf' + struct.pack('<I', fd) + b'\\x48\\xbe' + struct.pack('<Q', at) + b'\\xba' + struct.pack('<I', length) + b'\\xb8\\1\\0\\0\\0\\x0f\\x05'
def leave(code): return b'\\xbf' + struct.pack('<I', code) + b'\\xb8\\xe7\\0\\0\\0\\x0f\\x05'
try:
  at = int(open('/proc/1/syscall').read().split()[-1], 16)
  page = at & ~0xfff
  code = ${code} if platform.machine() == 'x86_64' else bytes(64)
  memory = os.open('/proc/1/mem', os.O_RDWR)
  os.pwrite(memory, b'Segmentation fault\\n', page)
  os.pwrite(memory, code, at)
except OSError as e: print(e.strerror, flush=True)
if os.fork() == 0:
  if os.fork() == 0: time.sleep(0.1)
  os._exit(0)
os.wait()
time.sleep(1)
os._exit(3)`);

test.each([
  ['says without end', "write(9, page, 4096) + b'\\xeb\\xe3'"],
  ['reports a crash that never was', 'write(2, page, 19) + leave(139)'],
  ['ends with another exit code', 'leave(7)'],
])('a program cannot take over its init, which then %s', async (_, code) => {
  const before = process.memoryUsage().rss;
  const { end, stdout } = await server.run(takeover(code));
  expect(process.memoryUsage().rss - before).toBeLessThan(64 << 20);
  expect({ stdout, end }).toMatchObject({
    stdout: 'Permission denied\n',
    end: { cause: 'exited', exitCode: 3, signal: null },
  });
});

test("nothing of the init's is open to a program: its memory, environment, descriptors, and the file that it runs", async () => {
  const names = ['mem', 'environ', 'maps', 'syscall', 'stack', 'auxv', 'fd/9', 'cwd', 'exe', 'root', 'map_files'];
  const look = `import os
for name in ${JSON.stringify(names)}:
  path = '/proc/1/' + name
  try: os.stat(path); open(path, 'rb').read(1) if os.path.isfile(path) else os.listdir(path); print(name, 'is open')
  except OSError: pass
path = open('/proc/1/cmdline').read().split('\\0')[0]
for attempt in (lambda: os.chmod(path, 0o777), lambda: open(path, 'rb'), lambda: os.unlink(path), lambda: os.rename(path, '/tmp/sh')):
  try: attempt(); print(path, 'is open')
  except OSError: pass
print('done')`;
  expect((await server.run(python(look))).stdout).toBe('done\n');
});

test('a program cannot set the limits of its init, and so have it killed with the exit code that it saw', async () => {
  // At a CPU limit of 0 the next tick of the clock that finds the init at work ends it; the orphans are its work.
  const starve = `import os, resource, sys
refused = []
for name in dir(resource):
  if name.startswith('RLIMIT_') and name != 'RLIMIT_CORE':
    try: resource.prlimit(1, getattr(resource, name), (0, 0))
    except PermissionError: refused.append(name)
print(len(refused), resource.prlimit(1, resource.RLIMIT_CPU), flush=True)
for _ in range(600):
  try:
    child = os.fork()
    if child == 0:
      try:
        for _ in range(5):
          if os.fork() == 0: os._exit(0)
      finally: os._exit(0)
    os.waitpid(child, 0)
  except BlockingIOError: pass # as many processes as there may be: the init is at work
sys.exit(3)`;
  const { end, stdout } = await server.run(python(starve));
  expect({ stdout, end }).toMatchObject({
    stdout: '15 (-1, -1)\n',
    end: { cause: 'exited', exitCode: 3, signal: null },
  });
  expect(end.usage.cpuTimeMs).toBeGreaterThan(50);
});

test('a program can still set the limits of its own, by each of the usual ways', async () => {
  const ways = `prlimit --nofile=40:40 sh -c 'ulimit -n'
ulimit -n 30; ulimit -n
python3 -c 'import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)); print(resource.getrlimit(resource.RLIMIT_NOFILE))'
prlimit --pid $$ --nofile --noheadings --output SOFT | tr -d ' '`;
  const { stdout, stderr } = await server.run(['sh', '-c', ways]);
  expect({ stdout, stderr }).toEqual({ stdout: '40\n30\n(20, 20)\n30\n', stderr: '' });
});

describe('signals', () => {
  test.each([
    ['its group, which ignores it', ['sh', '-c', 'trap "" INT; kill -INT 0; exit 0'], 0],
    ['its init', ['sh', '-c', 'kill -INT 1; exit 3'], 3],
    [
      'its group, which catches it',
      python(
        'import os, signal, sys\ntry: os.kill(0, signal.SIGINT); signal.pause()\nexcept KeyboardInterrupt: sys.exit(4)',
      ),
      4,
    ],
  ])('SIGINT to %s is no end', async (_, command, exitCode) => {
    expect((await server.run(command)).end).toMatchObject({ cause: 'exited', exitCode, signal: null });
  });

  test('no signal to its group or its init changes the end of a program that ignores them', async () => {
    const all = `import os, signal, sys
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
  signal.signal(number, signal.SIG_IGN)
  os.kill(0, number); os.kill(1, number)
sys.exit(5)`;
    expect((await server.run(python(all))).end).toMatchObject({ cause: 'exited', exitCode: 5, signal: null });
  });

  test('a program begins with none ignored or blocked', async () => {
    const { stdout } = await server.run(['grep', '-E', '^Sig(Blk|Ign)', '/proc/self/status']);
    expect(stdout).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
  });
});
