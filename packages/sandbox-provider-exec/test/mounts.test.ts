import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxMount } from '@ergon/sandbox-core';
import { silentLogger } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '../src/provider.js';
import { TestSandbox, TestServer } from './support/server.js';

/** One whose archives may hold little. */
class SmallArchives extends SandboxExecProvider {
  protected override readonly archiveBytes = 1 << 20;
}

let server: TestServer;
beforeEach(() => {
  server = new TestServer();
});
afterEach(async () => {
  expect(server.leftovers()).toEqual([]);
  await server[Symbol.asyncDispose]();
});

async function sandboxWith(mounts: readonly SandboxMount[], provider = server.provider): Promise<TestSandbox> {
  const config = server.config({}, { mounts });
  await provider.prepare('solution', server.solution({ 'main.txt': 'main' }), config);
  return new TestSandbox(server, config);
}
const refusal = async (mounts: readonly SandboxMount[], provider = server.provider): Promise<unknown> =>
  sandboxWith(mounts, provider).then(
    () => 'none',
    (error: unknown) => error,
  );
const folderMount = (folder: string, target: string): SandboxMount => ({
  digest: 'sha256:0',
  source: { folder },
  target,
});

async function* pieces(data: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += 10_000) yield await Promise.resolve(data.subarray(at, at + 10_000));
}
const archiveMount = (data: Uint8Array, target: string): SandboxMount => ({
  digest: 'sha256:0',
  source: { archive: () => pieces(data) },
  target,
});

/** A tar archive that Python makes: `add(name, data)`, `link(name, to)`, and `other(name, type)` write its entries. */
function tar(script: string): Uint8Array {
  const program = `
import io, sys, tarfile
t = tarfile.open(fileobj=sys.stdout.buffer, mode='w|')
def entry(name, data=b'', **fields):
  i = tarfile.TarInfo(name)
  i.size, i.mode = len(data), 0o644
  for key, value in fields.items(): setattr(i, key, value)
  t.addfile(i, io.BytesIO(data))
def add(name, data, mode=0o644): entry(name, data.encode(), mode=mode)
def folder(name, mode=0o755): entry(name, type=tarfile.DIRTYPE, mode=mode)
def link(name, to): entry(name, type=tarfile.SYMTYPE, linkname=to)
def hard(name, to): entry(name, type=tarfile.LNKTYPE, linkname=to)
${script}
t.close()`;
  return execFileSync('/usr/bin/python3', ['-c', program], { maxBuffer: 64 << 20 });
}

test('folders and archives are there at their targets, for every command, and for no one to write', async () => {
  const folder = join(server.home, 'layer');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  writeFileSync(join(folder, 'sub/f'), 'from a folder\n');
  const archive = tar(
    "folder('bin'); add('bin/tool', '#!/bin/sh\\necho from an archive\\n', 0o755); link('alias', 'bin/tool'); hard('same', 'bin/tool'); add('ü', 'x'); add('d' * 90 + '/' + 'n' * 150, 'long')",
  );
  const sandbox = await sandboxWith([folderMount(folder, '/node_modules'), archiveMount(archive, '/layers/tools')]);
  for (let round = 0; round < 2; round++) {
    const { stdout } = await sandbox.sh(
      'cat /node_modules/sub/f; /layers/tools/bin/tool; /layers/tools/alias; /layers/tools/same; cat /layers/tools/ü /layers/tools/d*/n*; pwd',
    );
    expect(stdout).toBe(`from a folder\n${'from an archive\n'.repeat(3)}xlong/workspace\n`);
  }
  const writes = [
    'echo x > /node_modules/new',
    'echo x >> /node_modules/sub/f',
    'rm -f /node_modules/sub/f',
    'echo x > /layers/tools/new',
    'echo x >> /layers/tools/bin/tool',
    'chmod 777 /layers/tools/bin/tool',
    'touch /layers/tools/bin/tool',
    'rm -rf /layers/tools/bin',
    'mv /layers/tools /layers/other',
    'mkdir /layers/more',
    'echo x > /proc/1/root/layers/tools/new',
  ];
  const { stdout } = await sandbox.sh(writes.map((write) => `(${write}) 2>/dev/null && echo "${write}"; :`).join('\n'));
  expect(stdout).toBe('');
  expect(readFileSync(join(folder, 'sub/f'), 'utf8')).toBe('from a folder\n');
  await server.provider.files(sandbox.id).write('/workspace/f', pieces(Buffer.from('x')));
  await sandbox.cleanup();
  expect(readdirSync(folder)).toEqual(['sub']);
});

test("what an archive holds does not count against the sandbox's disk", async () => {
  const archive = tar("add('big', 'x' * 8_000_000)");
  const config = server.config({ diskBytes: 4 << 20 }, { mounts: [archiveMount(archive, '/layers/big')] });
  await server.provider.prepare('solution', server.solution({}), config);
  const sandbox = new TestSandbox(server, config);
  const { stdout, end } = await sandbox.sh('wc -c < /layers/big/big; head -c 2000000 /dev/zero > f && echo fits');
  expect(stdout).toBe('8000000\nfits\n');
  expect(end).toMatchObject({ cause: 'exited', limitsHit: [] });
  await sandbox.cleanup();
});

test.each([
  ['a name with ..', "add('../evil', 'x')"],
  ['a name with .. within', "folder('a'); add('a/../../evil', 'x')"],
  ['an absolute name', "add('/tmp/evil', 'x')"],
  ['an absolute link', "link('l', '/etc/passwd')"],
  ['an absolute link to what the program writes', "link('l', '/workspace/evil.py')"],
  ['a link that leads out', "folder('a'); link('a/l', '../../etc')"],
  ['a link up and down to what the program writes', "folder('a'); link('a/l', '../../workspace/evil.py')"],
  ['a link up and down to where the program puts results', "link('l', '../output/evil.py')"],
  ['a link to wherever the program is', "link('l', '../proc/self/cwd/evil.py')"],
  ['a link to the root, and down from it', "link('l', '../proc/self/root/workspace/evil.py')"],
  ['a link out by a name with a newline', "link('l', '../etc\\n/workspace/x')"],
  ['a link over a link that leads out', "folder('a/b'); link('up', 'a/..'); link('l', 'up/../etc')"],
  ['a file written over a link', "link('l', '/tmp'); add('l/evil', 'x')"],
  ['a file written over a link upwards', "link('l', '..'); add('l/evil', 'x')"],
  ['a hard link to a name outside', "hard('l', '/etc/passwd')"],
  ['a hard link upwards', "hard('l', '../../etc/passwd')"],
  ['a character device', "entry('dev', type=tarfile.CHRTYPE, devmajor=1, devminor=3)"],
  ['a block device', "entry('dev', type=tarfile.BLKTYPE, devmajor=8, devminor=0)"],
  ['a FIFO', "entry('fifo', type=tarfile.FIFOTYPE)"],
  ['an end too soon', "add('f', 'x' * 100); sys.stdout.flush(); import os; t.fileobj.write(b'garbage' * 200)"],
])('an archive is refused that holds %s, and nothing is left', async (_what, script) => {
  const error = await refusal([archiveMount(tar(script), '/layers/evil')]);
  expect(error).toMatchObject({ code: 'SANDBOX008', field: 'mounts' });
  expect((error as Error).message).toMatch(/^The archive for \/layers\/evil is refused: /);
  expect((error as Error).message).not.toContain(server.home);
  expect(server.leftovers()).toEqual([]);
  expect(existsSync('/tmp/evil')).toBe(false);
});

test('an archive with a folder that its owner may not enter is refused with a sentence that says so', async () => {
  for (const mode of ['0', '0o400', '0o077']) {
    const script = `folder('locked', ${mode}); link('locked/l', '/etc/passwd')`;
    expect(await refusal([archiveMount(tar(script), '/layers/locked')])).toMatchObject({
      code: 'SANDBOX008',
      message: 'The archive for /layers/locked is refused: it holds a folder that its owner may not list and enter.',
    });
    expect(server.leftovers()).toEqual([]);
  }
});

test('what is no archive, is cut off, or breaks is refused, and nothing is left', async () => {
  const whole = tar("add('f', 'x' * 100_000)");
  expect(await refusal([archiveMount(whole.subarray(0, 50_000), '/cut')])).toMatchObject({ code: 'SANDBOX008' });
  expect(await refusal([archiveMount(Buffer.from('<html>'), '/html')])).toMatchObject({ code: 'SANDBOX008' });
  expect(await refusal([archiveMount(new Uint8Array(), '/none')])).toMatchObject({ code: 'SANDBOX008' });
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(whole.subarray(0, 30_000));
    throw new TypeError('the store is down');
  }
  const error = await refusal([{ digest: 'd', source: { archive: broken }, target: '/broken' }]);
  expect(error).toMatchObject({ message: 'the store is down' });
  expect(server.leftovers()).toEqual([]);
});

test('an archive larger than the bound is refused: by its bytes, and by its files', async () => {
  const provider = new SmallArchives({ logger: silentLogger, stateDir: server.stateDir });
  const large = await refusal([archiveMount(tar("add('big', 'x' * 2_000_000)"), '/layers/big')], provider);
  expect(large).toMatchObject({ code: 'SANDBOX004', message: expect.stringContaining('/layers/big') as string });
  expect(await refusal([archiveMount(tar("add('fits', 'x' * 900_000)"), '/layers/fits')], provider)).toBe('none');
  async function* slowly(): AsyncGenerator<Uint8Array> {
    const archive = tar("for i in range(1000): add(str(i), '')");
    yield archive.subarray(0, -1024);
    await new Promise((resolve) => setTimeout(resolve, 6000)); // so that a busy machine counts before the end, too
    yield archive.subarray(-1024);
  }
  const many = await refusal([{ digest: 'd', source: { archive: slowly }, target: '/layers/many' }], provider);
  expect(many).toMatchObject({ code: 'SANDBOX004' });
  await provider[Symbol.asyncDispose]();
});

test('a preparation that is cancelled while its archive comes ends at once and leaves nothing', async () => {
  const abort = new AbortController();
  const start = tar("add('f', 'x' * 100_000)").subarray(0, 50_000);
  async function* stuck(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(start);
    setTimeout(() => abort.abort(), 50);
    await new Promise(() => undefined);
  }
  const mounts = [{ digest: 'd', source: { archive: stuck }, target: '/layers/stuck' }];
  const config = server.config({}, { mounts, signal: abort.signal });
  const error = await server.provider
    .prepare('solution', server.solution({}), config)
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'SANDBOX011' });
  expect(server.leftovers()).toEqual([]);
});

test('targets are flat, free and different', async () => {
  const folder = server.solution({ f: 'x' });
  const targets = [
    '/workspace',
    '/workspace/x',
    '/output/x',
    '/solution',
    '/solution/x',
    '/tmp',
    '/proc',
    '/dev',
    '/dev/x',
    '/usr',
    '/usr/lib/x',
    '/etc',
    '/home',
    '/init',
    '/runtimes',
    '/runtimes/x',
    '/layers',
    '/layers/a/b',
    '/layers/..',
    '/a/../b',
    '/a/b',
    '//a',
    '/a/',
    '/',
    '',
    'a',
    '/.',
    '/..',
    '/-a',
    '/a b',
    '/a\nb',
    `/${'x'.repeat(200)}`,
  ];
  for (const target of targets) {
    expect([target, await refusal([folderMount(folder, target)])]).toMatchObject([target, { code: 'SANDBOX008' }]);
  }
  const twice = [folderMount(folder, '/layers/a'), folderMount(folder, '/layers/a')];
  expect(await refusal(twice)).toMatchObject({ code: 'SANDBOX008' });
  const many = Array.from({ length: 65 }, (_, index) => folderMount(folder, `/layers/l${index}`));
  expect(await refusal(many)).toMatchObject({ code: 'SANDBOX008' });
});

test('a folder that is none is refused without telling its path', async () => {
  const file = join(server.solution({ f: 'x' }), 'f');
  for (const folder of ['relative', join(server.home, 'missing'), file]) {
    const error = await refusal([folderMount(folder, '/layers/a')]);
    expect(error).toMatchObject({ code: 'SANDBOX008', field: 'mounts' });
    expect((error as Error).message).not.toContain(folder);
  }
});

test('a link in a mounted folder leads nowhere on the host', async () => {
  const folder = join(server.home, 'linked');
  mkdirSync(folder);
  writeFileSync(join(server.home, 'secret'), 'a secret of this test');
  symlinkSync(join(server.home, 'secret'), join(folder, 'l'));
  symlinkSync('..', join(folder, 'up'));
  chmodSync(folder, 0o755);
  const sandbox = await sandboxWith([folderMount(folder, '/layers/l')]);
  const { stdout } = await sandbox.sh(
    'cat /layers/l/l /layers/l/up/secret; ls /layers/l/up/; test -L /layers/l/l && echo link',
  );
  expect(stdout).toBe('l\nlink\n');
  await sandbox.cleanup();
});
