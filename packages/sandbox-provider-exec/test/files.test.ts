import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { FolderListing, SandboxFiles } from '@ergon/sandbox-core';
import { TestServer, type TestSandbox } from './support/server.js';
import { until } from './support/until.js';

let server: TestServer;
let sandbox: TestSandbox;
let files: SandboxFiles;
beforeAll(() => {
  server = new TestServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});
beforeEach(async () => {
  sandbox = await server.sandbox({ 'main.py': 'print(1)\n' });
  files = server.provider.files(sandbox.id);
});
afterEach(async () => {
  await sandbox.cleanup();
  expect(server.leftovers()).toEqual([]);
});

async function* bytes(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
}
async function read(
  path: string,
  options: { offset?: number; length?: number; signal?: AbortSignal } = {},
): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of files.read(path, options)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
const namesOf = ({ entries }: FolderListing): string[] => entries.map(({ name }) => name);
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'none',
    (error: unknown) => (error as { code: string }).code,
  );

test('files are read and written before a command ran, and by commands afterwards', async () => {
  expect(await read('/workspace/main.py')).toBe('print(1)\n');
  expect(namesOf(await files.list('/workspace'))).toEqual(['main.py']);
  await files.makeDir('/workspace/a/b');
  await files.write('/workspace/a/b/in', bytes('given'), { mode: 0o755 });
  const { stdout } = await sandbox.sh(
    'cat a/b/in; test -x a/b/in && echo " x"; id -un; echo made > /output/out; echo "+" >> a/b/in',
  );
  expect(stdout).toBe('given x\nsandbox\n');
  expect(await read('/output/out')).toBe('made\n');
  expect(await read('/workspace/a/b/in')).toBe('given+\n');
  expect(await files.stat('/workspace/a/b/in')).toMatchObject({ type: 'file', bytes: 7, mode: 0o755 });
  await files.rename('/workspace/a', '/output/a');
  expect(namesOf(await files.list('/output'))).toEqual(['a', 'out']);
  await files.remove('/output/a');
  expect(namesOf(await files.list('/output'))).toEqual(['out']);
});

test('a call does not disturb the command that runs, nor count as one, nor end with it', async () => {
  const running = sandbox.sh('echo up > up; until [ -e go ]; do sleep 0.01; done; cat go', { timeoutMs: 60_000 });
  await until('the program is up', async () => (await codeOf(files.stat('/workspace/up'))) === 'none');
  expect(await codeOf(server.provider.getResult(sandbox.id))).toBe('SANDBOX007');
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('first ');
    await files.write('/workspace/go', bytes('went'));
    await running; // this call goes on past the command's end
    yield Buffer.from('last');
  }
  await files.write('/workspace/slow', slow());
  const { stdout, end } = await running;
  expect(stdout).toBe('went');
  expect(end).toMatchObject({ cause: 'exited', exitCode: 0, limitsHit: [] });
  expect(await read('/workspace/slow')).toBe('first last');
});

test('a program that kills all of its user reaches no call, and sees no process of it', async () => {
  const hostile = `
import os, signal
open('/workspace/up', 'w').close()
seen = set()
while not os.path.exists('/workspace/stop'):
  for pid in os.listdir('/proc'):
    if pid.isdigit():
      try: seen.add(open(f'/proc/{pid}/cmdline').read().split(chr(0))[0])
      except OSError: pass
  try: os.kill(-1, signal.SIGKILL)
  except OSError: pass
print([name for name in seen if name not in ('python3', '/init/sh', '')])
`;
  const running = sandbox.run(['python3', '-c', hostile]);
  await until('the program is up', async () => (await codeOf(files.stat('/workspace/up'))) === 'none');
  for (let round = 0; round < 5; round++) {
    await files.write(`/workspace/f${round}`, bytes(Buffer.alloc(300_000, 'x')));
    expect(await read(`/workspace/f${round}`)).toHaveLength(300_000);
  }
  await files.write('/workspace/stop', bytes());
  expect(await running).toMatchObject({ stdout: '[]\n', end: { cause: 'exited', exitCode: 0 } });
});

test('calls work in the smallest sandbox, while its program takes all that it may', async () => {
  await sandbox.cleanup();
  sandbox = await server.sandbox({}, { memoryBytes: 32 << 20, pids: 1, openFiles: 32 });
  files = server.provider.files(sandbox.id);
  const running = sandbox.sh('echo up > up; exec sleep 1000', { timeoutMs: 60_000 });
  await until('the program is up', async () => (await codeOf(files.stat('/workspace/up'))) === 'none');
  await files.makeDir('/workspace/d');
  await files.write('/workspace/d/f', bytes('x'));
  await files.rename('/workspace/d/f', '/output/f');
  expect(namesOf(await files.list('/output'))).toEqual(['f']);
  await files.remove('/workspace/d');
  await sandbox.cleanup();
  expect((await running).end).toMatchObject({ cause: 'stopped' });
});

test('planted links lead nowhere: not to the host, the system, the other folder or round in circles', async () => {
  await sandbox.sh(`
    mkdir real; echo real > real/f
    ln -s /etc etc; ln -s /etc/passwd passwd; ln -s /output out; ln -s real alias; ln -s loop loop; ln -s . self
    ln -s / root; ln -s ${homedir()} home; ln -s /proc/1/root proc; ln -s /proc/self/environ environ; ln -s real/f f; ln -s no no
    ln -s /workspace /output/back`);
  const links = ['etc', 'passwd', 'out', 'alias', 'loop', 'self', 'root', 'home', 'proc', 'environ', 'f', 'no'];
  const { entries } = await files.list('/workspace');
  expect(entries.filter(({ type }) => type === 'link').map(({ name }) => name)).toEqual([...links].sort());
  const check = async (calls: readonly Promise<unknown>[]): Promise<void> => {
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'SANDBOX008'));
  };
  for (const name of links) {
    const path = `/workspace/${name}`;
    await check([
      files.list(path),
      read(path),
      files.write(path, bytes('x')),
      files.makeDir(path),
      files.rename(path, '/output/x'),
      files.rename('/workspace/real/f', path),
    ]);
    await check([
      files.list(`${path}/x`),
      files.stat(`${path}/passwd`),
      read(`${path}/passwd`),
      files.write(`${path}/new`, bytes('x')),
      files.makeDir(`${path}/new/deep`),
      files.rename('/workspace/real/f', `${path}/f`),
      files.remove(`${path}/f`),
    ]);
  }
  await check([read('/output/back/real/f'), files.list('/output/back'), files.remove('/output/back/real')]);
  for (const name of links) await files.remove(`/workspace/${name}`);
  await files.remove('/output/back');
  expect(namesOf(await files.list('/workspace'))).toEqual(['main.py', 'real']);
  expect(await read('/workspace/real/f')).toBe('real\n');
});

/** Exchanges two names without a moment in which one is missing (renameat2(2), RENAME_EXCHANGE). */
const exchange = (one: string, other: string): string[] => [
  'python3',
  '-c',
  `
import ctypes, os
libc = ctypes.CDLL(None)
open('/workspace/up', 'w').close()
count = 0
while not os.path.exists('/workspace/stop'):
  libc.renameat2(-100, b'${one}', -100, b'${other}', 2)
  count += 1
print(count)
`,
];

test('links that are swapped in while calls run lead nowhere', async () => {
  await sandbox.sh('mkdir /output/t d; echo outside > /output/t/f; echo inside > d/f; ln -s /output/t l');
  const running = sandbox.run(exchange('/workspace/d', '/workspace/l'), { timeoutMs: 110_000 });
  await until('the program is up', async () => (await codeOf(files.stat('/workspace/up'))) === 'none');
  const seen = new Set<string>();
  const note = async (call: Promise<unknown>): Promise<void> => {
    seen.add(String(await call.catch((error: unknown) => (error as { code: string }).code)));
  };
  for (let round = 0; round < 25; round++) {
    await Promise.all([
      note(read('/workspace/d/f')),
      note(files.list('/workspace/d').then((listing) => namesOf(listing).includes('f') && 'listed')),
      note(files.write(`/workspace/d/w${round}`, bytes('x'))),
      note(files.makeDir(`/workspace/d/m${round}`)),
    ]);
  }
  await files.write('/workspace/stop', bytes());
  const { stdout, end } = await running;
  expect(end).toMatchObject({ cause: 'exited' });
  expect(Number(stdout)).toBeGreaterThan(1000);
  expect([...seen].filter((what) => !['inside\n', 'listed', 'undefined', 'SANDBOX008'].includes(what))).toEqual([]);
  expect([...seen]).toContain('SANDBOX008');
  // What a script was doing in the true folder went there, wherever its name has gone since.
  expect(namesOf(await files.list('/output/t'))).toEqual(['f']);
});

test('a file that is swapped for a FIFO, a link or a folder holds no call, and only the file is read', async () => {
  await sandbox.sh('mkfifo p; echo file > f; ln -s /etc/passwd l; mkdir d');
  for (const other of ['p', 'l', 'd']) {
    const running = sandbox.run(exchange('/workspace/f', `/workspace/${other}`), { timeoutMs: 110_000 });
    await until('the program is up', async () => (await codeOf(files.stat('/workspace/up'))) === 'none');
    const seen = new Set<string>();
    for (let round = 0; round < 12; round++) {
      const started = performance.now();
      const text = read('/workspace/f', { signal: AbortSignal.timeout(3000) });
      seen.add(await text.catch((error: unknown) => (error as { code: string }).code));
      expect(performance.now() - started).toBeLessThan(30_000);
    }
    await files.write('/workspace/stop', bytes());
    expect((await running).end).toMatchObject({ cause: 'exited' });
    await sandbox.sh(
      `rm -f stop up; test -f f || mv -T f keep && mv ${other} f; test -e keep && mv -T keep ${other}; test -f f`,
    );
    expect([...seen].filter((what) => !['file\n', 'SANDBOX008', 'SANDBOX011'].includes(what))).toEqual([]);
  }
});

test('names with newlines, quotes, dashes and bytes that are no text', async () => {
  const odd = ['-rf', '--help', "it's", '"', '$(id)', 'a\nb', '\n', 'e\n', '漢字', ' ', '%s', '\\'];
  for (const name of odd) await files.write(`/workspace/${name}`, bytes(name));
  await sandbox.run(['python3', '-c', 'open(b"/workspace/bad\\xff\\xfe", "w").write("x")']);
  const { stdout } = await sandbox.run(['python3', '-c', 'import os; print(sorted(os.listdir(b".")))']);
  expect(stdout).toContain(String.raw`b'bad\xff\xfe'`);
  expect(namesOf(await files.list('/workspace'))).toEqual([...odd, 'main.py', 'bad\ufffd\ufffd'].sort());
  for (const name of odd) expect(await read(`/workspace/${name}`)).toBe(name);
  for (const name of odd) await files.remove(`/workspace/${name}`);
  expect(namesOf(await files.list('/workspace'))).toEqual(['bad\ufffd\ufffd', 'main.py']);
});

test('of a hundred thousand entries as many are listed as were asked for, soon', async () => {
  await sandbox.cleanup();
  sandbox = await server.sandbox({}, { diskBytes: 1 << 30 });
  files = server.provider.files(sandbox.id);
  const { end } = await sandbox.run(
    ['python3', '-c', 'for i in range(100_000): open(f"/workspace/{i}", "w").close()'],
    {
      timeoutMs: 60_000,
    },
  );
  expect(end).toMatchObject({ cause: 'exited', exitCode: 0 });
  const started = performance.now();
  const some = await files.list('/workspace', { limit: 500 });
  const ms = performance.now() - started;
  expect(some.entries).toHaveLength(500);
  expect(some.truncated).toBe(true);
  expect(ms).toBeLessThan(30_000);
  const all = await files.list('/workspace', { limit: 200_000 });
  expect(all.entries).toHaveLength(100_000);
  expect(all.truncated).toBe(false);
});

test('big files come in parts and as a whole, as they are', async () => {
  const program = `
import hashlib, random
data = random.Random(7).randbytes(30_000_000)
open('/output/big', 'wb').write(data)
print(hashlib.sha256(data).hexdigest(), hashlib.sha256(data[12_345_678:12_345_678 + 5_000_000]).hexdigest())`;
  const [whole, part] = (await sandbox.run(['python3', '-c', program])).stdout.trim().split(' ');
  const sum = async (options: { offset?: number; length?: number }): Promise<string> => {
    const hash = createHash('sha256');
    for await (const chunk of files.read('/output/big', options)) hash.update(chunk);
    return hash.digest('hex');
  };
  expect(await sum({})).toBe(whole);
  expect(await sum({ offset: 12_345_678, length: 5_000_000 })).toBe(part);
  await files.write('/workspace/copy', files.read('/output/big'));
  expect((await sandbox.sh('cmp /output/big copy && echo same')).stdout).toBe('same\n');
});

test('where the disk is full a write fails with SANDBOX004 and leaves what was there', async () => {
  await files.write('/workspace/f', bytes('before'));
  async function* large(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < 200; sent++) yield await delay(2, Buffer.alloc(1 << 20, 'x'));
  }
  await sandbox.cleanup();
  sandbox = await server.sandbox({}, { diskBytes: 16 << 20, fileBytes: 1 << 30 });
  files = server.provider.files(sandbox.id);
  await files.write('/workspace/f', bytes('before'));
  expect(await codeOf(files.write('/workspace/f', large()))).toBe('SANDBOX004');
  expect(await read('/workspace/f')).toBe('before');
  expect((await sandbox.sh('ls -A /workspace; du -s /workspace | cut -f 1')).stdout).toMatch(/^f\n\d{1,2}\n$/);
});

test('a sandbox whose disk is full can be looked into and made room in', async () => {
  await sandbox.cleanup();
  sandbox = await server.sandbox({}, { diskBytes: 8 << 20 });
  files = server.provider.files(sandbox.id);
  const { end } = await sandbox.sh('head -c 4000000 /dev/zero > a; head -c 60000000 /dev/zero > b; sleep 1');
  expect(end.limitsHit).toMatchObject([{ limit: 'disk' }]);
  expect(namesOf(await files.list('/workspace'))).toEqual(['a', 'b']);
  expect(await read('/workspace/a', { offset: 3_999_990 })).toHaveLength(10);
  await files.remove('/workspace/b');
  await files.write('/workspace/c', bytes('fits'));
  expect((await sandbox.sh('cat c')).stdout).toBe('fits');
});

test('what a program puts in place of a file that is being written holds no call, and is not taken for it', async () => {
  const swap = `
import os, time
open('/workspace/up', 'w').close()
while True:
  for name in os.listdir('.'):
    if len(name) != 33: continue
    try:
      os.unlink(name)
      [os.mkfifo, lambda name: os.symlink('/etc/passwd', name), os.mkdir][int(open('kind').read())](name)
    except OSError: continue
    open('swapped', 'w').close()
`;
  for (const kind of ['0', '1', '2']) {
    await files.write('/workspace/kind', bytes(kind));
    const running = sandbox.run(['python3', '-c', swap]);
    await until('the program is up', async () => (await codeOf(files.stat('/workspace/up'))) === 'none');
    async function* patient(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(200_000); // more than a FIFO holds
      await until('it was swapped', async () => (await codeOf(files.stat('/workspace/swapped'))) !== 'SANDBOX012');
      yield Buffer.from('more');
    }
    const started = performance.now();
    expect(await codeOf(files.write('/workspace/f', patient(), { signal: AbortSignal.timeout(60_000) }))).toBe(
      'SANDBOX008',
    );
    expect(performance.now() - started).toBeLessThan(30_000);
    await sandbox.cleanup();
    await running;
    sandbox = await server.sandbox();
    files = server.provider.files(sandbox.id);
  }
});

test('a file beyond the limit for one is refused with SANDBOX004', async () => {
  await sandbox.cleanup();
  sandbox = await server.sandbox({}, { fileBytes: 1 << 20 });
  files = server.provider.files(sandbox.id);
  expect(await codeOf(files.write('/workspace/f', bytes(Buffer.alloc(2 << 20))))).toBe('SANDBOX004');
  expect(namesOf(await files.list('/workspace'))).toEqual([]);
});

test('folders that a program nested deep or shut are removed', async () => {
  await sandbox.run([
    'python3',
    '-c',
    'import os\nos.mkdir("deep"); os.chdir("deep")\nfor i in range(3000):\n  os.mkdir("d" * 50); os.chdir("d" * 50)',
  ]);
  await sandbox.sh(
    'mkdir -p shut/in/side; touch shut/in/side/f; chmod 0 shut/in/side; chmod 0 shut/in; chmod 0 shut; mkdir -m 0300 secret',
  );
  expect(await codeOf(files.list('/workspace/shut'))).toBe('SANDBOX008');
  expect(await codeOf(files.list('/workspace/secret'))).toBe('SANDBOX008');
  await files.remove('/workspace/secret');
  await files.remove('/workspace/shut');
  await files.remove('/workspace/deep');
  expect(namesOf(await files.list('/workspace'))).toEqual(['main.py']);
});

test('cleanup ends calls that are under way, whoever waits for them, and nothing is left', async () => {
  await sandbox.run(['python3', '-c', 'open("big", "wb").write(bytes(20_000_000))']);
  const reading = files.read('/workspace/big')[Symbol.asyncIterator]();
  expect((await reading.next()).done).toBe(false);
  async function* silent(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('x');
    await new Promise(() => undefined);
  }
  const calls = [files.write('/workspace/f', silent()), files.list('/workspace'), files.makeDir('/workspace/a/b/c')];
  const ends = Promise.all(calls.map(codeOf));
  await until('the write is under way', async () => /\.[0-9a-f]{32}/.test((await sandbox.sh('ls -A')).stdout));
  expect(await sandbox.cleanup()).toBe(true);
  expect(server.leftovers()).toEqual([]);
  expect((await ends)[0]).toBe('SANDBOX006');
  const rest = async (): Promise<void> => {
    while ((await reading.next()).done !== true);
  };
  expect(await codeOf(rest())).toBe('SANDBOX006');
  expect(await codeOf(files.list('/workspace'))).toBe('SANDBOX006');
});

test('a call that is cancelled leaves no process and no file', async () => {
  const abort = new AbortController();
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (let sent = 0; ; sent++) {
      if (sent === 20) abort.abort();
      yield await Promise.resolve(Buffer.alloc(65_536));
    }
  }
  expect(await codeOf(files.write('/workspace/f', endless(), { signal: abort.signal }))).toBe('SANDBOX011');
  expect(namesOf(await files.list('/workspace'))).toEqual(['main.py']);
});

test('no error shows a path of the host', async () => {
  const calls = [
    files.list('/workspace/no'),
    files.write('/workspace/no/f', bytes()),
    files.write('/workspace', bytes()),
    read('/etc/passwd'),
    files.remove('/workspace/no'),
  ];
  const sentences = await Promise.all(
    calls.map((call) =>
      call.then(
        () => '',
        (error: unknown) => (error as Error).message,
      ),
    ),
  );
  for (const sentence of sentences) {
    expect(sentence).not.toBe('');
    expect(sentence).not.toContain(server.home);
    expect(sentence).not.toContain('/run/');
  }
});
