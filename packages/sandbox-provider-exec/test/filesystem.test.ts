import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestServer } from './support/server.js';
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

/** A shell's attempts, one a line; the answer says for each whether it succeeded. */
async function attempts(commands: Readonly<Record<string, string>>): Promise<Record<string, boolean>> {
  const script = Object.entries(commands).map(
    ([name, command]) => `if (${command}) >/dev/null 2>&1; then echo "${name}"; fi`,
  );
  const { stdout, end } = await server.run(
    ['sh', '-c', script.join('\n')],
    {},
    { 'main.py': 'print(1)\n', 'sub/x': 'x' },
  );
  expect(end).toMatchObject({ cause: 'exited' });
  const done = stdout.split('\n');
  return Object.fromEntries(Object.keys(commands).map((name) => [name, done.includes(name)]));
}
const all = (commands: Readonly<Record<string, string>>, value: boolean): Record<string, boolean> =>
  Object.fromEntries(Object.keys(commands).map((name) => [name, value]));

test('reads: the solution, the runtimes and the few files of /etc that programs need', async () => {
  const reads = {
    solution: 'cat /solution/main.py /solution/sub/x',
    copy: 'cmp /solution/main.py /workspace/main.py && cmp /solution/sub/x sub/x',
    python: 'python3 -c "import json, ssl, ctypes" && python -V',
    node: 'node -e "require(\'node:os\').cpus()"',
    user: 'test "$(id -un)" = sandbox && grep -q sandbox /etc/passwd',
    hosts: 'grep -q localhost /etc/hosts',
    random: 'head -c 8 /dev/urandom',
    null: 'echo x > /dev/null',
    pty: 'python3 -c "import os; os.openpty()"',
    semaphores: 'python3 -c "import multiprocessing as m; m.Lock()"',
  };
  expect(await attempts(reads)).toEqual(all(reads, true));
});

test('writes: workspace, output, home and the temporary folders', async () => {
  const writes = {
    workspace: 'echo x > /workspace/new && mkdir /workspace/d && echo y >> /workspace/main.py && rm -r /workspace/sub',
    output: 'echo x > /output/result',
    tmp: 'echo x > /tmp/x && test -k /tmp',
    shm: 'echo x > /dev/shm/x',
    home: 'echo x > "$HOME/x" && cd && test "$PWD" = "$HOME"',
  };
  expect(await attempts(writes)).toEqual(all(writes, true));
});

test('writes: nowhere else', async () => {
  const writes = {
    solution: 'echo x > /solution/new',
    solutionFile: 'echo x > /solution/main.py',
    solutionChmod: 'chmod 777 /solution/main.py',
    solutionRemove: 'rm -f /solution/main.py',
    usr: 'echo x > /usr/x',
    bin: 'echo x > /bin/x',
    etc: 'echo x > /etc/x',
    passwd: 'echo x >> /etc/passwd',
    root: 'echo x > /x',
    dev: 'echo x > /dev/x',
    devNode: 'mknod /tmp/null c 1 3',
    runtimes: 'mkdir -p /runtimes/x',
    sysctl: 'echo x > /proc/sys/kernel/core_pattern',
    hostname: 'echo x > /proc/sys/kernel/hostname',
    sysrq: 'echo b > /proc/sysrq-trigger',
    oom: 'echo -1000 > /proc/self/oom_score_adj',
    remount: 'mount -o remount,rw /',
    bind: 'mount --bind /tmp /solution',
    unmount: 'umount /proc/sys',
  };
  expect(await attempts(writes)).toEqual(all(writes, false));
});

test('never: home directories, our data directory, the rest of the host', async () => {
  const secret = join(server.home, 'secret');
  writeFileSync(secret, 'a secret of this test');
  const shown = join(server.stateDir, server.instanceId);
  const looks = {
    root: 'ls /root',
    home: `ls ${homedir()}`,
    homes: 'test "$(ls /home)" != sandbox',
    data: `ls ${server.home} ${shown}`,
    secret: `cat ${secret}`,
    etc: 'cat /etc/shadow',
    machine: 'cat /etc/machine-id',
    var: 'ls /var',
    run: 'ls /run',
    sys: 'ls /sys',
    disks: 'ls /dev/loop0 /dev/sda /dev/vda',
    mem: 'ls /dev/mem /dev/kmsg',
    stage: 'ls /run/ergon-sandbox',
    oldRoot: 'ls /oldroot /newroot',
    procRoot: `cat /proc/1/root${secret}`,
    parent: `cat /workspace/../../../../..${secret}`,
    kernelLog: 'dmesg',
    others: 'ls /proc/2000 /proc/3000 /proc/4000',
  };
  expect(await attempts(looks)).toEqual(all(looks, false));
});

test('never: sockets of the host, not even where their path is known or they have no path', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ergon-socket-'));
  const reached: string[] = [];
  const abstract = `\0ergon-test-${process.pid}`;
  const listeners = [join(folder, 's'), abstract, 0].map((where, index) => {
    const listener = createServer((socket) => {
      reached.push(String(index));
      socket.end();
    });
    if (where === 0) listener.listen(0, '127.0.0.1');
    else listener.listen(where);
    return listener;
  });
  await Promise.all(listeners.map((each) => new Promise((resolve) => each.once('listening', resolve))));
  const address = listeners[2]?.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const connect = `import socket
def attempt(family, address):
  try: socket.socket(family).connect(address); print('reached', address)
  except OSError as e: print('refused')
attempt(socket.AF_UNIX, '${join(folder, 's')}')
attempt(socket.AF_UNIX, '\\0${abstract.slice(1)}')
attempt(socket.AF_INET, ('127.0.0.1', ${port}))
attempt(socket.AF_UNIX, '/var/run/docker.sock')
attempt(socket.AF_INET, ('169.254.169.254', 80))`;
  const { stdout } = await server.run(['python3', '-c', connect]);
  listeners.forEach((each) => each.close());
  rmSync(folder, { recursive: true });
  expect(stdout).toBe('refused\n'.repeat(5));
  expect(reached).toEqual([]);
});

test('never: other sandboxes, not their files and not their processes', async () => {
  const first = await server.sandbox({}, {});
  const second = await server.sandbox({}, {});
  const stop = new AbortController();
  let up = false;
  const running = first.run(
    ['sh', '-c', 'echo secret > /workspace/s; echo secret > /tmp/s; echo up; exec sleep 1000'],
    {
      signal: stop.signal,
      onChunk: () => (up = true),
    },
  );
  await until('it runs', () => up);
  const secondOutput = (
    await second.sh('ls /workspace /tmp; ps ax -o args 2>/dev/null || cat /proc/[0-9]*/cmdline; kill -9 -1')
  ).stdout;
  stop.abort();
  expect((await running).end.cause).toBe('stopped');
  expect(secondOutput).not.toContain('secret');
  expect(secondOutput).not.toContain('sleep');
  await first.cleanup();
  await second.cleanup();
});

test('a link in the workspace leads nowhere on the host, neither for the program nor when all is removed', async () => {
  const precious = mkdtempSync(join(tmpdir(), 'ergon-precious-'));
  writeFileSync(join(precious, 'file'), 'precious', { mode: 0o666 });
  const sandbox = await server.sandbox();
  const { stdout } = await sandbox.sh(
    `ln -s ${precious} link; ln -s ${precious}/file file; ln -s / root; echo gone > file; cat link/file root${precious}/file; rm -rf link/* root${precious}/*; mv /output/x /workspace; echo done`,
  );
  expect(stdout).toBe('done\n');
  await sandbox.sh(`rm -rf /workspace/* ; ln -s ${precious} /workspace/workspace; ln -s ${precious} /output/deep`);
  await sandbox.cleanup();
  expect(readFileSync(join(precious, 'file'), 'utf8')).toBe('precious');
  expect(statSync(precious).mode & 0o777).toBe(0o700);
  rmSync(precious, { recursive: true });
});

test('links of a solution are copied as links, and what they point to is not', async () => {
  const folder = server.solution({ 'main.txt': 'main' });
  const secret = join(server.home, 'key');
  writeFileSync(secret, 'a key');
  symlinkSync(secret, join(folder, 'link'));
  symlinkSync('..', join(folder, 'up'));
  const config = server.config();
  await server.provider.prepare('solution', folder, config);
  let text = '';
  const output = server.provider.execute(
    config.sandboxId,
    ['sh', '-c', 'cat link /solution/link; ls up/ /solution/up/../..; test -L link && echo link'],
    { timeoutMs: 60_000 },
  );
  for await (const { stream, data } of output) if (stream === 'stdout') text += Buffer.from(data).toString();
  await server.provider.cleanup(config.sandboxId);
  expect(text).not.toContain('a key');
  expect(text).not.toContain('key\n');
  expect(text).toMatch(/link\n$/);
});

test('workspace and output stay between the executions of a sandbox, temporary files and processes do not', async () => {
  const sandbox = await server.sandbox();
  await sandbox.sh(
    'echo 1 > /workspace/a; echo 2 > /output/b; echo 3 > /tmp/c; echo 4 > $HOME/d; echo 5 > /dev/shm/e; (setsid sleep 1000 &)',
  );
  const { stdout } = await sandbox.sh(
    'cat /workspace/a /output/b; ls -A /tmp $HOME /dev/shm | grep -c . ; cat /proc/[0-9]*/comm | grep -c "^sleep$"',
  );
  expect(stdout).toBe('1\n2\n3\n0\n'); // three names of folders, no file in them
  await sandbox.cleanup();
});

test('a workspace that ordinary removal fails on is removed: deep, without permissions, with names that are no UTF-8', async () => {
  const sandbox = await server.sandbox({}, { diskBytes: 256 << 20 });
  const make = `import os
for i in range(3000): os.mkdir('d'); os.chdir('d')
os.chdir('/workspace'); os.mkdir('locked'); open('locked/x', 'w').close(); os.chmod('locked', 0)
os.mkdir(b'\\xff\\xfe'); open(b'\\xff\\xfe/\\x80', 'w').close(); open('new\\nline', 'w').close()
print('made')`;
  expect((await sandbox.run(['python3', '-c', make])).stdout).toBe('made\n');
  expect(await sandbox.cleanup()).toBe(true);
  expect(existsSync(join(server.stateDir, server.instanceId))).toBe(false);
});

test('the stage of a sandbox is in no mount namespace but its own', async () => {
  const sandbox = await server.sandbox();
  expect(existsSync('/run/ergon-sandbox') ? readdirSync('/run/ergon-sandbox') : []).toEqual([]);
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('ergon-sandbox');
  await sandbox.cleanup();
});

test('ids that would be paths are refused', async () => {
  mkdirSync(join(server.home, 'victim'));
  for (const sandboxId of ['../../victim', '.', '..', 'a/b', '', 'x\0y']) {
    await expect(
      server.provider.prepare('s', server.solution({}), { ...server.config(), sandboxId }),
    ).rejects.toMatchObject({ code: 'SANDBOX008' });
  }
  expect(existsSync(join(server.home, 'victim'))).toBe(true);
});
