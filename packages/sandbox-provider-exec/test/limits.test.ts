import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { LimitHit } from '@ergon/sandbox-core';
import { processesMarked } from '../src/linux/processes.js';
import { cgroups, isRoot, memoryEvidence, TestServer } from './support/server.js';
import { until } from './support/until.js';

const MiB = 1 << 20;
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

const names = (hits: readonly LimitHit[]): string[] => hits.map(({ limit }) => limit);
const python = (text: string): string[] => ['python3', '-c', text];

describe('memory', () => {
  test('one process that takes more is ended, and the limit is named by evidence', async () => {
    const { end } = await server.run(python('import time; x = bytearray(400 << 20); time.sleep(9)'), {
      memoryBytes: 128 * MiB,
    });
    expect(end.cause).toBe('limit');
    const evidence = expect.stringMatching(memoryEvidence) as string;
    expect(end.limitsHit).toEqual([{ limit: 'memory', value: 128 * MiB, evidence }]);
  });

  test('many processes that take more together are ended', async () => {
    const hog = 'python3 -c "import time; x = bytearray(40 << 20); time.sleep(6)"';
    const { end, wallMs } = await server.run(['sh', '-c', `for i in 1 2 3 4 5 6; do ${hog} & done; wait`], {
      memoryBytes: 128 * MiB,
    });
    expect(end.cause).toBe('limit');
    expect(names(end.limitsHit)).toEqual(['memory']);
    expect(wallMs).toBeLessThan(55_000);
  });

  test('a limit that only a child met is told even where the exit code is 0', async () => {
    const script = 'python3 -c "import time; x = bytearray(400 << 20); time.sleep(9)"; exit 0';
    const { end } = await server.run(['sh', '-c', script], { memoryBytes: 128 * MiB });
    expect(end.cause).toBe('limit');
    expect(end.exitCode).toBe(cgroups === 'none' ? null : 0); // a watchdog ends the whole run
  });

  test.each(['/tmp', '/dev/shm', '/home/sandbox'])('what lies in %s is memory, and bounded', async (folder) => {
    const write = `import os, time
with open('${folder}/big', 'wb') as f:
  for _ in range(400): f.write(bytes(1 << 20))
time.sleep(9)`;
    const { end, stderr } = await server.run(python(write), { memoryBytes: 128 * MiB, fileBytes: 1024 * MiB });
    // Its own size ends it, or the memory limit does.
    expect([
      end.cause === 'limit' && names(end.limitsHit).includes('memory'),
      stderr.includes('No space left'),
    ]).toContain(true);
    expect(end.exitCode).not.toBe(0);
  });

  const fill = (file: string, megabytes: number): string =>
    `f = ${file}\nfor _ in range(${megabytes}): f.write(bytes(1 << 20)); f.flush()\n`;

  test('/tmp, /dev/shm and the home folder together are no larger than the limit', async () => {
    const sizes = 'df -B1 --output=size /tmp /dev/shm /home/sandbox | tail -n +2';
    const { stdout } = await server.run(['sh', '-c', sizes], { memoryBytes: 128 * MiB });
    expect(stdout.trim().split(/\s+/).map(Number)).toEqual([64 * MiB, 32 * MiB, 32 * MiB]);
  });

  test('what lies in /tmp, /dev/shm and the home folder counts together, and with the rest', async () => {
    const files = [
      fill("open('/tmp/x', 'wb')", 60),
      fill("open('/dev/shm/x', 'wb')", 30),
      fill("open('/home/sandbox/x', 'wb')", 30),
    ];
    const text = `${files.join('')}import time\nx = bytearray(30 << 20)\ntime.sleep(9)`;
    const { end } = await server.run(python(text), { memoryBytes: 128 * MiB });
    expect(end.cause).toBe('limit');
    expect(names(end.limitsHit)).toEqual(['memory']);
  });

  const nameless = `import mmap, os, time\n${fill("open(os.memfd_create('x'), 'wb')", 200)}`;
  test.each([
    ['that is written', `${nameless}time.sleep(9)`],
    [
      'that is mapped and closed',
      `${nameless}m = mmap.mmap(f.fileno(), 200 << 20); f.close(); sum(m[::4096]); time.sleep(9)`,
    ],
    [
      'of a process whose first thread has ended',
      `import ctypes, threading\n${nameless}x = threading.Thread(target=time.sleep, args=(9,)); x.start(); ctypes.CDLL(None).pthread_exit(None)`,
    ],
    [
      'of which only private changes are left',
      "import ctypes, mmap, os, time\nfd = os.memfd_create('x'); os.truncate(fd, 200 << 20)\nm = mmap.mmap(fd, 200 << 20, flags=mmap.MAP_PRIVATE)\nother = os.memfd_create('y'); os.truncate(other, 4096); s = mmap.mmap(other, 4096); s[0] = 1\nfallocate = ctypes.CDLL(None).fallocate\nfallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]\nfor i in range(0, 200 << 20, 4096):\n  m[i] = 1\n  if i % (1 << 20) == 0: assert fallocate(fd, 3, 0, i) == 0 or i == 0\ntime.sleep(9)",
    ],
  ])('a file in memory without a name %s counts', async (_, text) => {
    const { end } = await server.run(python(text), { memoryBytes: 128 * MiB, fileBytes: 1024 * MiB });
    expect(end.cause).toBe('limit');
    expect(names(end.limitsHit)).toEqual(['memory']);
  });

  test.each(["open(os.memfd_create('x'), 'w+b')", "open('/tmp/x', 'w+b')"])(
    'a file in memory, %s, counts once, mapped or not',
    async (file) => {
      const text = `import mmap, os, time\n${fill(file, 64)}m = mmap.mmap(f.fileno(), 64 << 20); sum(m[::4096]); time.sleep(${cgroups === 'none' ? 5 : 0})`; // a look has to find it
      const { end } = await server.run(python(text), { memoryBytes: 130 * MiB, fileBytes: 128 * MiB });
      expect(end).toMatchObject({ cause: 'exited', exitCode: 0, limitsHit: [] });
      expect(end.usage.memoryPeakBytes).toBeGreaterThan(60 * MiB);
      expect(end.usage.memoryPeakBytes).toBeLessThan(120 * MiB);
    },
  );

  test('System V IPC, which keeps memory in the kernel, is there where the kernel counts it', async () => {
    const text = `import ctypes, os
c = ctypes.CDLL(None, use_errno=True)
for name, size in (('shmget', (4096,)), ('semget', (1,)), ('msgget', ())):
  print(name, 'made' if getattr(c, name)(0, *size, 0o1600) >= 0 else os.strerror(ctypes.get_errno()))`;
    const { stdout } = await server.run(python(text));
    const answer = cgroups !== 'none' ? 'made' : 'Function not implemented';
    expect(stdout).toBe(`shmget ${answer}\nsemget ${answer}\nmsgget ${answer}\n`);
  });
});

describe('CPU', () => {
  test('two busy processes get no more time than the limit gives', async () => {
    const busy = 'while :; do :; done';
    const cpus = cgroups !== 'none' ? 0.5 : 1;
    const { end, wallMs } = await server.run(['sh', '-c', `(${busy}) & (${busy}) & sleep 2`], { cpus });
    expect(end.cause).toBe('exited');
    expect(end.usage.cpuTimeMs).toBeGreaterThan(100);
    expect(end.usage.cpuTimeMs).toBeLessThan(wallMs * cpus * 1.4);
  });

  // With groups it is a share of time, and as many CPUs as there are may give it.
  if (cgroups === 'none') {
    test('no more CPUs are used than the limit allows, even if the program asks for all', async () => {
      const spread = `import os, time
def used(pid): return open(f'/proc/{pid}/stat').read().rsplit(') ', 1)[1].split()[36]
busy = []
for cpu in range(os.cpu_count()):
  pid = os.fork()
  if pid == 0:
    try: os.sched_setaffinity(0, {cpu})
    except OSError as e: print(e.strerror, flush=True)
    end = time.time() + 1
    while time.time() < end: pass
    os._exit(0)
  busy.append(pid)
seen = set()
end = time.time() + 0.8
while time.time() < end: seen.update(used(pid) for pid in busy); time.sleep(0.01)
print(os.cpu_count(), len(seen))`;
      const { stdout } = await server.run(python(spread), { cpus: 1 });
      const lines = stdout.trim().split('\n');
      const [cpus, used] = (lines.pop() ?? '').split(' ').map(Number);
      expect(cpus).toBeGreaterThan(1); // else nothing is shown by it
      expect(used).toBe(1);
      expect(lines).toEqual(Array.from({ length: cpus ?? 0 }, () => 'Operation not permitted'));
    });
  }
});

describe('processes', () => {
  // Where no kernel counts them, a look has to find all of them there: on a busy machine those are seconds apart.
  const stay = `time.sleep(${cgroups === 'none' ? 8 : 0})`;
  const forks = `import os, time
n = 0
try:
  while n < 100:
    if os.fork() == 0: time.sleep(600); os._exit(0)
    n += 1
except OSError as e: print(type(e).__name__, n, flush=True)
${stay}
`;
  test('no more than the limit are there at one time, and the refusal is seen', async () => {
    const { end, stdout } = await server.run(python(forks), { pids: 20 });
    expect(stdout).toBe('BlockingIOError 19\n');
    expect(names(end.limitsHit)).toEqual(['pids']);
    expect(end.cause).toBe('exited');
  });

  test('threads count as well', async () => {
    const threads = `import threading, time
n = 0
try:
  while n < 100: threading.Thread(target=time.sleep, args=(600,), daemon=True).start(); n += 1
except RuntimeError as e: print(e, n, flush=True)
${stay}`;
    const { end, stdout } = await server.run(python(threads), { pids: 20 });
    expect(stdout).toBe("can't start new thread 19\n");
    expect(names(end.limitsHit)).toEqual(['pids']);
  });

  test('one sandbox at its limit takes nothing from another', async () => {
    const first = await server.sandbox({}, { pids: 20 });
    const second = await server.sandbox({}, { pids: 20 });
    const full = first.run(python(`${forks}time.sleep(2)`));
    const other = await second.run(python(forks));
    expect(other.stdout).toBe('BlockingIOError 19\n');
    expect((await full).stdout).toBe('BlockingIOError 19\n');
    await first.cleanup();
    await second.cleanup();
  });
});

describe('open files and the size of one', () => {
  test('a process can open no more files than the limit', async () => {
    const open = `import os
n = 0
try:
  while True: os.open('/dev/null', 0); n += 1
except OSError as e: print(e.strerror, n)`;
    const { stdout } = await server.run(python(open), { openFiles: 40 });
    expect(stdout).toBe('Too many open files 37\n');
  });

  test('the limit cannot be raised by the program', async () => {
    const raise = `import resource
for which in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
  before = resource.getrlimit(which)
  try: resource.setrlimit(which, (before[1] + 1, before[1] + 1))
  except ValueError: pass
  print('refused' if resource.getrlimit(which) == before else 'raised')`;
    const { stdout } = await server.run(python(raise));
    expect(stdout).toBe('refused\nrefused\nrefused\n');
  });

  test('a file that grows past the limit ends a program that does not care, and the result names it', async () => {
    const { end } = await server.run(['dd', 'if=/dev/zero', 'of=big', 'bs=1M', 'count=20'], { fileBytes: 4 * MiB });
    expect(end).toMatchObject({ cause: 'signalled', signal: 'SIGXFSZ', exitCode: 128 + 25 });
    expect(end.limitsHit).toEqual([
      { limit: 'file-size', value: 4 * MiB, evidence: expect.stringContaining('SIGXFSZ') as string },
    ]);
  });

  test('a program that handles the signal sees the write fail', async () => {
    const { stdout } = await server.run(
      python(
        "f = open('big', 'wb')\ntry:\n  while True: f.write(bytes(1 << 20)); f.flush()\nexcept OSError as e: print(e.strerror)",
      ),
      { fileBytes: 4 * MiB },
    );
    expect(stdout).toBe('File too large\n');
  });
});

describe('workspace and output', () => {
  const fill = (path: string, megabytes: number): string => `dd if=/dev/zero of=${path} bs=1M count=${megabytes}`;

  test.each(['/workspace/a', '/output/a'])(
    'writing more than fits to %s fails or is ended, and the result names it',
    async (path) => {
      const { end, stderr } = await server.run(['sh', '-c', `${fill(path, 100)}; sleep 1; exit 9`], {
        diskBytes: 20 * MiB,
      });
      expect(names(end.limitsHit)).toEqual(['disk']);
      if (isRoot) expect(stderr).toContain('No space left on device');
      else expect(end.cause).toBe('limit');
      expect(end.usage.diskBytes).toBeGreaterThan(15 * MiB);
    },
  );

  test('it is disk, not memory: more than the memory limit can be written', async () => {
    const { end } = await server.run(['sh', '-c', `${fill('a', 200)} && rm a && ${fill('b', 200)}`], {
      diskBytes: 300 * MiB,
      fileBytes: 300 * MiB,
      memoryBytes: 64 * MiB,
    });
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0, limitsHit: [] });
  });

  test('what a limit of N bytes promises, fits', async () => {
    const { end } = await server.run(['sh', '-c', fill('a', 19)], { diskBytes: 20 * MiB });
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0, limitsHit: [] });
  });

  test('many small files meet the limit as well', async () => {
    const many = "import time\nfor i in range(1000000):\n  open(f'f{i}', 'w').close()\ntime.sleep(1)";
    const { end, stderr } = await server.run(python(many), { diskBytes: 8 * MiB });
    expect(names(end.limitsHit)).toEqual(['disk']);
    if (isRoot) expect(stderr).toContain('No space left on device');
  });

  test('bytes in a removed file that is held open count', async () => {
    const hide = `import os, time
f = open('x', 'wb'); os.unlink('x')
try:
  for _ in range(40): f.write(bytes(1 << 20)); f.flush(); time.sleep(0.02)
except OSError as e: print(e.strerror, flush=True)
time.sleep(1)`;
    const { end, stdout } = await server.run(python(hide), { diskBytes: 20 * MiB });
    expect(names(end.limitsHit)).toEqual(['disk']);
    if (isRoot) expect(stdout).toBe('No space left on device\n');
  });

  test('bytes in a removed file that is held open count, and in a folder without permissions', async () => {
    const hide = `import os, time
os.makedirs('d/e'); os.chdir('d/e')
f = open('x', 'wb'); g = open('y', 'wb'); os.unlink('y'); os.chmod('/workspace/d', 0)
try:
  for _ in range(40):
    f.write(bytes(1 << 20)); g.write(bytes(1 << 20)); f.flush(); g.flush(); time.sleep(0.02)
except OSError as e: print(e.strerror, flush=True)
time.sleep(1)`;
    const { end, stdout } = await server.run(python(hide), { diskBytes: 20 * MiB });
    expect(names(end.limitsHit)).toEqual(['disk']);
    if (isRoot) expect(stdout).toContain('No space left on device');
  });
});

test('a run whose disk can no longer be watched is ended, and the result says why', async () => {
  const sandbox = await server.sandbox();
  const running = sandbox.sh('echo up; sleep 1015');
  await until('it runs', () => server.leftovers().some((line) => line.includes('sleep 1015 ')));
  if (isRoot) {
    const holder = server.leftovers().find((line) => /process \d+: \/bin\/sh -s /.test(line));
    process.kill(Number(/process (\d+)/.exec(holder ?? '')?.[1]), 'SIGKILL');
  } else {
    const folder = join(server.stateDir, server.instanceId, sandbox.id);
    renameSync(join(folder, 'workspace'), join(folder, 'elsewhere'));
  }
  const { end, wallMs } = await running;
  expect(end).toMatchObject({
    cause: 'lost',
    exitCode: null,
    reason: expect.stringMatching(isRoot ? /holds the sandbox's mounts ended/ : /could not be measured/) as string,
  });
  expect(wallMs).toBeLessThan(30_000);
  await sandbox.cleanup();
});

// An ordinary user's disk is measured by du.
if (!isRoot) {
  test('an end does not wait for a measurement that takes long', async () => {
    const sandbox = await server.sandbox({}, { diskBytes: 1024 * MiB });
    const nest = "import os\nfor _ in range(5000): os.mkdir('d'); os.chdir('d')";
    expect((await sandbox.run(python(nest))).end.cause).toBe('exited');
    const stopping = setInterval(() => {
      for (const { pid } of processesMarked(
        (word) => word === join(server.stateDir, server.instanceId, sandbox.id, 'output'),
      ))
        process.kill(pid, 'SIGSTOP');
    }, 2);
    const { end, wallMs } = await sandbox.sh('sleep 0.5').finally(() => {
      clearInterval(stopping);
    });
    expect(end).toMatchObject({ cause: 'exited', exitCode: 0, usage: { diskBytes: null } });
    expect(wallMs).toBeLessThan(30_000);
    await sandbox.cleanup();
  });
}

test('wall time: a program that never ends is ended', async () => {
  const sandbox = await server.sandbox();
  const { end, wallMs } = await sandbox.sh('while :; do sleep 1; done', { timeoutMs: 500, killGraceMs: 100 });
  expect(end).toMatchObject({ cause: 'timeout', exitCode: null });
  expect(wallMs).toBeGreaterThan(450);
  expect(wallMs).toBeLessThan(30_000);
  await sandbox.cleanup();
});

// A watchdog cannot refuse ahead.
if (cgroups !== 'none') {
  test('a memory limit in which nothing can start is refused with a sentence, and nothing is left', async () => {
    await expect(server.run(['true'], { memoryBytes: 65536 })).rejects.toThrow(/does not fit into 65536 bytes/);
  });
}

test('a result without a limit met names none', async () => {
  const { end } = await server.run(['sh', '-c', 'exit 137']);
  expect(end).toMatchObject({ cause: 'exited', exitCode: 137, signal: null, limitsHit: [] });
});
