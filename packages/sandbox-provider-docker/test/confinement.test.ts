import { docker } from './support/engine.js';
import { RawContainer } from './support/raw.js';
import { DEBIAN, TestServer, type Run } from './support/server.js';

let server: TestServer;
let raw: RawContainer;
beforeAll(async () => {
  server = new TestServer();
  raw = await RawContainer.start('sleep 1000'); // as the engine makes them by itself
});
afterAll(async () => {
  await raw.remove();
  await server[Symbol.asyncDispose]();
});
afterEach(async () => {
  expect(await server.leftovers()).toEqual([]);
});

const sh = (script: string, limits = {}): Promise<Run> => server.run(['sh', '-c', script], limits);
const MiB = 1 << 20;

/** A line of /proc/self/status. */
const status = (text: string, key: string): string => new RegExp(`^${key}:\\s+(.*)$`, 'm').exec(text)?.[1] ?? '';

test('a program has no capability, can gain none, runs under a filter, and is an unprivileged user of its own', async () => {
  const { stdout } = await sh('cat /proc/self/status');
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(status(stdout, set)).toMatch(/^0+$/);
  expect(status(stdout, 'NoNewPrivs')).toBe('1');
  expect(status(stdout, 'Seccomp')).toBe('2');
  const [uid] = status(stdout, 'Uid').split(/\s/);
  expect(Number(uid)).toBeGreaterThanOrEqual(1_879_048_192);
  expect(status(stdout, 'Uid')).toBe([uid, uid, uid, uid].join('\t'));
  expect(status(stdout, 'Groups').trim()).toBe(uid);
  const without = await raw.exec(['cat', '/proc/self/status']);
  expect(status(without, 'CapEff')).not.toMatch(/^0+$/);
  expect(status(without, 'NoNewPrivs')).toBe('0');
  expect(status(without, 'Uid')).toMatch(/^0\s/);
});

test('two sandboxes have two users', async () => {
  const [one, other] = await Promise.all([sh('id -u'), sh('id -u')]);
  expect(one.stdout).not.toBe(other.stdout);
});

test('the root is read-only, and what can be written is the sandbox’s own', async () => {
  const places = '/ /bin /etc /usr /root /dev /proc /sys /run /var /solution /run/ergon';
  const { stdout } = await sh(`for d in ${places}; do echo x > $d/probe 2>/dev/null && echo "$d"; done
    for d in /workspace /output /tmp /home/sandbox /dev/shm; do echo x > $d/probe && echo "$d"; done`);
  expect(stdout.split('\n')).toEqual(['/workspace', '/output', '/tmp', '/home/sandbox', '/dev/shm', '']);
  expect(await raw.exec(['sh', '-c', 'echo x > /etc/probe && echo written'])).toBe('written\n');
});

test('temporary folders are no larger than the memory limit, can be executed from, and hold no device or setuid program', async () => {
  const { stdout } = await sh('grep -E " (/tmp|/home/sandbox) " /proc/mounts; df -k /tmp | tail -1', {
    memoryBytes: 48 * MiB,
  });
  const lines = stdout.trim().split('\n');
  for (const line of lines.slice(0, 2)) {
    expect(line).toMatch(/nosuid/);
    expect(line).toMatch(/nodev/);
    expect(line).not.toMatch(/noexec/);
    expect(line).toMatch(/nr_inodes=12288\b/);
  }
  expect(lines[2]?.split(/\s+/)[1]).toBe(String((48 * MiB) / 1024));
});

test('the number of files in a temporary folder is bounded', async () => {
  const program = [
    'made = 0',
    'try:',
    '  while True:',
    '    open(f"/tmp/{made}", "w").close()',
    '    made += 1',
    'except OSError as error: print(made, error.strerror)',
  ].join('\n');
  const { stdout } = await server.run(['python3', '-c', program], { memoryBytes: 32 * MiB }, {}, { image: DEBIAN });
  const [made, ...why] = stdout.trim().split(' ');
  expect(why.join(' ')).toBe('No space left on device');
  expect(Number(made)).toBeGreaterThan(7000);
  expect(Number(made)).toBeLessThan(8192);
});

test('open files, file size and core dumps have their limits', async () => {
  const { stdout } = await sh('cat /proc/self/limits', { openFiles: 77, fileBytes: 3 * MiB });
  expect(stdout).toMatch(/^Max open files\s+77\s+77\s/m);
  expect(stdout).toMatch(new RegExp(`^Max file size\\s+${3 * MiB}\\s+${3 * MiB}\\s`, 'm'));
  expect(stdout).toMatch(/^Max core file size\s+1\s+1\s/m); // 1, not 0: with 0 a piped core_pattern still runs on the host
});

test('a file beyond its limit ends the program, and the limit is told', async () => {
  const { end } = await sh('exec dd if=/dev/zero of=/workspace/big bs=1M count=4', { fileBytes: 2 * MiB });
  expect(end).toMatchObject({ cause: 'signalled', signal: 'SIGXFSZ', limitsHit: [{ limit: 'file-size' }] });
});

test('there is no network but the loopback', async () => {
  const { stdout } = await sh('ls /sys/class/net; cat /proc/net/route');
  expect(stdout.split('\n')[0]).toBe('lo');
  expect(stdout.trim().split('\n')).toHaveLength(2);
});

test('a program sees the processes of its own container and of what watches it, and can end only its own', async () => {
  const { stdout } = await sh(
    'kill -9 1 8 2>/dev/null; kill -9 -1 2>/dev/null; echo on; cat /proc/1/comm; ls -d /proc/[0-9]* | wc -l; for p in /proc/[0-9]*; do [ "$(stat -c %u $p)" != 0 ] || ls $p/root 2>/dev/null; done',
  );
  const [on, init, processes, ...ofRoots] = stdout.split('\n');
  expect([on, init]).toEqual(['on', 'docker-init']); // what it could kill was all its own: the shells above it
  expect(Number(processes)).toBeLessThan(16); // the watcher looks by a few small tools
  expect(ofRoots.join('')).toBe(''); // into its folders no program sees
});

test('an orphan that ends is reaped by the init', async () => {
  const script = '(sleep 0.1 & ) ; sleep 0.6; cat /proc/[0-9]*/stat | grep -c " Z "';
  expect((await sh(script)).stdout).toBe('0\n');
  const bare = await RawContainer.start('sleep 1000');
  try {
    expect(await bare.exec(['sh', '-c', script])).toBe('1\n'); // its main process is not an init
  } finally {
    await bare.remove();
  }
});

test('more CPUs than the machine has are all of them; the engine by itself refuses', async () => {
  expect((await sh('echo ran', { cpus: 4096 })).stdout).toBe('ran\n');
  await expect(docker.createContainer({ Image: DEBIAN, HostConfig: { NanoCpus: 4096e9 } })).rejects.toMatchObject({
    statusCode: 400,
  });
});

test.each([
  [{ memoryBytes: 4 * MiB }, 'memory_limit', /at least 6291456 bytes of memory/],
  [{ cpus: 0.005 }, 'cpu_limit', /at least 0.01 CPUs/],
  [{ openFiles: 12 }, 'open_files', /at least 32 open files/],
])('limits that no container can have are refused with a sentence: %j', async (limits, field, message) => {
  const sentence = expect.stringMatching(message) as string;
  const probe = await server.provider.probe();
  expect(server.provider.check(server.config(limits), probe)).toEqual([{ field, message: sentence }]);
  await expect(server.run(['true'], limits)).rejects.toMatchObject({ code: 'SANDBOX008', field, message: sentence });
});

test('the least that is taken runs a program', async () => {
  const { stdout } = await sh('cat /etc/passwd | wc -l', { cpus: 0.01, openFiles: 32 });
  expect(stdout).toBe('1\n');
});

test('nothing of a run is kept in the engine’s logs, which would grow without a bound', async () => {
  const sandbox = await server.sandbox();
  const [info] = await docker.listContainers({
    filters: { label: [`org.ergon.sandbox.sandbox=${sandbox.id}`, 'org.ergon.sandbox.role=run'] },
  });
  const { HostConfig, LogPath } = await docker.getContainer(info?.Id ?? '').inspect();
  expect(HostConfig.LogConfig?.Type).toBe('none');
  expect(LogPath).toBe('');
  await sandbox.cleanup();
});

test('the memory of a run includes its swap', async () => {
  const sandbox = await server.sandbox({}, { memoryBytes: 32 * MiB });
  const { end } = await sandbox.run(['sh', '-c', 'exec tail -c 200m /dev/zero']);
  expect(end).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'memory', value: 32 * MiB }] });
  expect(end.usage.memoryPeakBytes).toBeLessThanOrEqual(32 * MiB);
  await sandbox.cleanup();
});

test('processes beyond the limit can’t be made, those of ours not counted, and the limit is told', async () => {
  const { end, stdout } = await sh('i=0; while [ $i -lt 40 ]; do sleep 5 & i=$((i+1)); done; echo made', { pids: 20 });
  expect(end.limitsHit).toMatchObject([{ limit: 'pids', value: 20 }]);
  expect(stdout).not.toBe('made\n');
  const fits = await sh('i=0; while [ $i -lt 19 ]; do sleep 5 & i=$((i+1)); done; echo made', { pids: 20 });
  expect(fits.stdout).toBe('made\n');
  expect(fits.end.limitsHit).toEqual([]);
});
