import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, open, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ManagedSandboxProvider, SandboxFiles } from '../src/index.js';
import { until } from './house.js';
import { boxConfig as config, LocalProvider } from './local-provider.js';

let provider: LocalProvider;
let folder: string;
let box: string;
let files: SandboxFiles;
/** A folder with nothing but links to busybox. */
let applets: string;

beforeAll(async () => {
  applets = await mkdtemp(join(tmpdir(), 'applets-'));
  execFileSync('busybox', ['--install', '-s', applets]);
});
afterAll(async () => {
  await rm(applets, { recursive: true });
});
beforeEach(async () => {
  provider = new LocalProvider();
  folder = await mkdtemp(join(tmpdir(), 'files-'));
  await provider.prepare('solution', folder, config);
  box = [...provider.boxes][0] ?? '';
  files = provider.files('box');
});
afterEach(async () => {
  await provider[Symbol.asyncDispose]();
  expect(provider.boxes.size).toBe(0);
  expect(provider.assisting.size).toBe(0);
  await rm(folder, { recursive: true, force: true });
});

async function* bytes(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
}
async function read(path: string, options: { offset?: number; length?: number } = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of files.read(path, options)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error as { code: string }).code,
  );
}
const names = async (path: string): Promise<string[]> => (await files.list(path)).entries.map(({ name }) => name);
const fifo = (path: string): void => {
  execFileSync('mkfifo', [path]);
};

/** Exchanges two names again and again, without a moment in which one is missing (renameat2(2)), until the returned function is called. */
function exchanging(one: string, other: string): () => Promise<void> {
  const program =
    'import ctypes, os, sys\nlibc = ctypes.CDLL(None)\n' +
    'while os.getppid() != 1: libc.renameat2(-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2)';
  const child = spawn('/usr/bin/python3', ['-c', program, one, other]);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return () => {
    child.kill('SIGKILL');
    return exited;
  };
}

describe.each(['dash', 'bash', 'busybox'])('files, by scripts in %s', (shell) => {
  beforeEach(() => {
    if (shell === 'busybox') provider.helper = { shell: [join(applets, 'sh')], path: applets };
    else provider.helper = { shell: [shell], path: process.env.PATH ?? '' };
  });

  it('are written, listed, read, moved and removed', async () => {
    await files.makeDir('/workspace/a/b');
    await files.makeDir('/workspace/a/b');
    await files.write('/workspace/a/b/f', bytes('one', 'two'), { mode: 0o600 });
    await files.write('/output/g', bytes());
    expect(await files.list('/workspace')).toMatchObject({ entries: [{ name: 'a', type: 'folder', bytes: null }] });
    const [entry] = (await files.list('/workspace/a/b')).entries;
    expect(entry).toMatchObject({ name: 'f', type: 'file', bytes: 6, mode: 0o600 });
    expect(Math.abs(Date.now() - (entry?.modifiedMs ?? 0))).toBeLessThan(60_000);
    expect(await files.stat('/workspace/a/b/f')).toEqual(entry);
    expect(await files.stat('/output')).toMatchObject({ name: 'output', type: 'folder' });
    expect(await files.stat('/output/g')).toMatchObject({ name: 'g', bytes: 0, mode: 0o644 });
    expect(await read('/workspace/a/b/f')).toBe('onetwo');
    await files.write('/workspace/a/b/f', bytes('again'));
    await files.rename('/workspace/a/b/f', '/workspace/h');
    await files.rename('/workspace/h', '/output/g');
    await files.rename('/output/g', '/output/g');
    expect(await read('/output/g')).toBe('again');
    await files.rename('/workspace/a', '/output/a');
    expect([await names('/workspace'), await names('/output'), await names('/output/a')]).toEqual([
      [],
      ['a', 'g'],
      ['b'],
    ]);
    await files.remove('/output/a');
    await files.remove('/output/g');
    expect(await names('/output')).toEqual([]);
  });

  it('are read in parts', async () => {
    await files.write('/workspace/f', bytes('0123456789'));
    expect(await read('/workspace/f', { offset: 3 })).toBe('3456789');
    expect(await read('/workspace/f', { offset: 3, length: 4 })).toBe('3456');
    expect(await read('/workspace/f', { length: 2 })).toBe('01');
    expect(await read('/workspace/f', { length: 0 })).toBe('');
    expect(await read('/workspace/f', { offset: 10 })).toBe('');
    expect(await read('/workspace/f', { offset: 2 ** 40, length: 5 })).toBe('');
    expect(await read('/workspace/f', { offset: Number.MAX_SAFE_INTEGER })).toBe('');
  });

  it('may have any name and any bytes', async () => {
    const odd = [
      '-rf',
      '--',
      'a b',
      "quo'te",
      'dou"ble',
      '$(touch x)',
      'new\nline',
      'end\n',
      '\n',
      '*',
      '\\n',
      'ü漢',
      '~',
    ];
    const binary = Uint8Array.from({ length: 4096 }, (_, index) => index % 256);
    for (const name of odd) await files.write(`/workspace/${name}`, bytes(name, binary));
    expect(await names('/workspace')).toEqual([...odd].sort());
    for (const name of odd) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of files.read(`/workspace/${name}`)) chunks.push(chunk);
      expect(Buffer.concat(chunks)).toEqual(Buffer.concat([Buffer.from(name), binary]));
      expect(await files.stat(`/workspace/${name}`)).toMatchObject({ name });
      await files.rename(`/workspace/${name}`, `/output/${name}`);
      await files.makeDir(`/workspace/${name}/${name}`);
      await files.remove(`/workspace/${name}`);
    }
    expect(await names('/output')).toEqual([...odd].sort());
    expect(await names('/workspace')).toEqual([]);
  });

  it('whose names are no UTF-8 are listed with U+FFFD, and cannot be addressed', async () => {
    await writeFile(Buffer.concat([Buffer.from(`${box}/x`), Buffer.from([0xff])]), 'x');
    expect(await names('/workspace')).toEqual(['x\ufffd']);
    expect(await codeOf(files.stat('/workspace/x\ufffd'))).toBe('SANDBOX012');
    expect(await codeOf(files.stat('/workspace/x\udc00'))).toBe('SANDBOX008');
  });

  it('are not there: SANDBOX012', async () => {
    await expect(files.list('/workspace/no')).rejects.toMatchObject({
      code: 'SANDBOX012',
      message: 'Nothing is at "/workspace/no".',
    });
    const calls = [
      files.stat('/workspace/no'),
      read('/workspace/no/f'),
      files.write('/workspace/no/f', bytes('x')),
      files.rename('/workspace/no', '/workspace/yes'),
      files.remove('/workspace/no'),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'SANDBOX012'));
  });

  it('are something else than the call takes: SANDBOX008', async () => {
    await mkdir(join(box, 'folder'));
    await writeFile(join(box, 'file'), 'x');
    fifo(join(box, 'fifo'));
    expect(await files.stat('/workspace/fifo')).toMatchObject({ type: 'other', bytes: null });
    const calls = [
      files.list('/workspace/file'),
      files.list('/workspace/fifo'),
      files.stat('/workspace/file/x'),
      read('/workspace/folder'),
      read('/workspace/fifo'),
      files.write('/workspace/folder', bytes('x')),
      files.write('/workspace/fifo', bytes('x')),
      files.makeDir('/workspace/file'),
      files.makeDir('/workspace/file/x'),
      files.rename('/workspace/file', '/workspace/folder'),
      files.rename('/workspace/fifo', '/workspace/other'),
      files.rename('/workspace/folder', '/workspace/folder/x'),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'SANDBOX008'));
    await files.remove('/workspace/fifo');
    expect(await names('/workspace')).toEqual(['file', 'folder']);
  });

  it('behind links are never reached, and links only told and removed', async () => {
    const outside = join(folder, 'outside');
    await mkdir(join(outside, 'sub'), { recursive: true });
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(outside, join(box, 'out'));
    await symlink(join(outside, 'secret'), join(box, 'secret'));
    await symlink('loop', join(box, 'loop'));
    await symlink('nowhere', join(box, 'dangling'));
    await mkdir(join(box, 'real'));
    await symlink('real', join(box, 'alias'));
    await writeFile(join(box, 'real/f'), 'f');
    expect(await files.stat('/workspace/out')).toMatchObject({ type: 'link', bytes: null });
    const links = ['out', 'secret', 'loop', 'dangling', 'alias'];
    expect(await files.list('/workspace')).toMatchObject({
      entries: [...links, 'real'].sort().map((name) => ({ name, type: name === 'real' ? 'folder' : 'link' })),
    });
    for (const name of links) {
      const path = `/workspace/${name}`;
      const calls = [
        files.list(path),
        files.stat(`${path}/secret`),
        read(path),
        read(`${path}/f`),
        files.write(path, bytes('x')),
        files.write(`${path}/new`, bytes('x')),
        files.makeDir(path),
        files.makeDir(`${path}/new`),
        files.rename(path, '/workspace/moved'),
        files.rename('/workspace/real/f', path),
        files.rename('/workspace/real/f', `${path}/f`),
        files.remove(`${path}/sub`),
      ];
      expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'SANDBOX008'));
      await files.remove(path);
    }
    expect(await names('/workspace')).toEqual(['real']);
    expect(readdirSync(outside)).toEqual(['secret', 'sub']);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
  });

  it('are never reached outside while links are swapped in as fast as can be', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'f'), 'outside');
    await writeFile(join(outside, 'mark'), '');
    await mkdir(join(box, 'd'));
    await writeFile(join(box, 'd/f'), 'inside');
    await symlink(outside, join(box, 'l'));
    const swapping = exchanging(join(box, 'd'), join(box, 'l'));
    const seen = new Set<string>();
    const deadline = performance.now() + 3000;
    for (let round = 0; performance.now() < deadline || (!seen.has('inside') && round < 500); round++) {
      const calls = [
        read('/workspace/d/f'),
        names('/workspace/d').then((all) => (all.includes('mark') ? 'outside' : 'inside')),
        files.write('/workspace/d/w', bytes('x')).then(() => 'written'),
        files.makeDir(`/workspace/d/m${round}`).then(() => 'made'),
        files.rename('/workspace/d/f', '/workspace/d/g').then(() => 'moved'),
        files.rename('/workspace/d/g', '/workspace/d/f').then(() => 'moved'),
        files.remove(`/workspace/d/m${round - 1}`).then(() => 'removed'),
      ];
      for (const each of await Promise.allSettled(calls)) {
        seen.add(each.status === 'fulfilled' ? each.value : (each.reason as { code: string }).code);
      }
    }
    await swapping();
    expect(readdirSync(outside)).toEqual(['f', 'mark']);
    const allowed = ['inside', 'written', 'made', 'moved', 'removed', 'SANDBOX008', 'SANDBOX012'];
    expect([...seen].filter((what) => !allowed.includes(what))).toEqual([]);
    expect([...seen]).toContain('inside');
  });

  it('behind a link that is swapped in are not read', async () => {
    await writeFile(join(folder, 'secret'), 'outside');
    await writeFile(join(box, 'f'), 'inside');
    await symlink(join(folder, 'secret'), join(box, 'l'));
    const swapping = exchanging(join(box, 'f'), join(box, 'l'));
    const seen = new Set<string>();
    for (let round = 0; round < 60 || (!seen.has('inside') && round < 500); round++) {
      seen.add(await read('/workspace/f').catch((error: unknown) => (error as { code: string }).code));
    }
    await swapping();
    expect([...seen].sort()).toEqual(['SANDBOX008', 'inside']);
  });

  it('that are swapped for a FIFO that something writes to are not read', async () => {
    fifo(join(box, 'fifo'));
    await writeFile(join(box, 'f'), 'file');
    const writer = await open(join(box, 'fifo'), 'r+');
    await writer.write('from the FIFO');
    const swapping = exchanging(join(box, 'f'), join(box, 'fifo'));
    const seen = new Set<string>();
    for (let round = 0; round < 60 || (!seen.has('file') && round < 500); round++) {
      seen.add(await read('/workspace/f').catch((error: unknown) => (error as { code: string }).code));
    }
    await swapping();
    await writer.close();
    expect([...seen].sort()).toEqual(['SANDBOX008', 'file']);
  });

  it('in folders without permissions are refused, not shown as none; removed they are', async () => {
    await mkdir(join(box, 'shut/deep/er'), { recursive: true });
    await chmod(join(box, 'shut/deep'), 0);
    await files.remove('/workspace/shut');
    expect(await names('/workspace')).toEqual([]);
  });

  it('are written whole or not at all', async () => {
    await files.write('/workspace/f', bytes('before'));
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('half'));
      throw new TypeError('the source broke');
    }
    await expect(files.write('/workspace/f', failing())).rejects.toThrow('the source broke');
    await expect(files.write('/workspace/new', failing())).rejects.toThrow('the source broke');
    const abort = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (let sent = 0; ; sent++) {
        if (sent === 50) abort.abort();
        yield await Promise.resolve(Buffer.alloc(65_536));
      }
    }
    expect(await codeOf(files.write('/workspace/f', endless(), { signal: abort.signal }))).toBe('SANDBOX011');
    const silent = new AbortController();
    const waiting = files.write('/workspace/f', new SilentSource(), { signal: silent.signal });
    await until(() => readdirSync(box).length === 2);
    silent.abort();
    expect(await codeOf(waiting)).toBe('SANDBOX011');
    expect(readdirSync(box)).toEqual(['f']);
    expect(await read('/workspace/f')).toBe('before');
  });

  it('are not replaced by a folder, and the folder stays where it was', async () => {
    await files.write('/workspace/f', bytes('in the way'));
    await files.makeDir('/workspace/folder');
    await files.makeDir('/output/folder');
    for (const from of ['/workspace/folder', '/output/folder']) {
      await expect(files.rename(from, '/workspace/f')).rejects.toMatchObject({
        code: 'SANDBOX008',
        message: '"/workspace/f" is, or leads over, something that is no folder.',
      });
    }
    expect([await names('/workspace'), await names('/output')]).toEqual([['f', 'folder'], ['folder']]);
    expect(await read('/workspace/f')).toBe('in the way');
  });

  it('in great number are listed up to the limit', async () => {
    spawnSync('sh', ['-c', 'seq -f e%.0f 1 20000 | xargs touch'], { cwd: box });
    const some = await files.list('/workspace', { limit: 1000 });
    expect(some.entries).toHaveLength(1000);
    expect(some.truncated).toBe(true);
    const all = await files.list('/workspace', { limit: 20_000 });
    expect(new Set(all.entries.map(({ name }) => name)).size).toBe(20_000);
    expect(all.truncated).toBe(false);
    await files.remove('/workspace/e1');
    expect((await files.list('/workspace')).entries).toHaveLength(10_000);
  });

  it('for which the disk has no room are refused with SANDBOX004', async () => {
    const { shell: own = [], path = '' } = provider.helper ?? {};
    const small = 'mount -t tmpfs -o size=1m,nr_inodes=2 t "$WORKSPACE_DIR" && cd / && exec "$@"';
    provider.helper = {
      shell: ['unshare', '-Urm', '/bin/sh', '-c', small, 'sh', ...own],
      path: `${path}:/usr/bin:/bin`,
    };
    await files.write('/workspace/f', bytes('small'));
    expect(await codeOf(files.write('/workspace/f', bytes(Buffer.alloc(2 << 20))))).toBe('SANDBOX004');
    expect(await codeOf(files.makeDir('/workspace/a/b/c'))).toBe('SANDBOX004');
    provider.helper = { shell: ['prlimit', '--fsize=100000', '--', ...own], path: `${path}:/usr/bin:/bin` };
    expect(await codeOf(files.write('/workspace/f', bytes(Buffer.alloc(2 << 20))))).toBe('SANDBOX004');
    expect(readdirSync(box)).toEqual([]);
  });

  it('as large as 50 MB come and go unchanged', async () => {
    const block = Buffer.from(Array.from({ length: 1 << 20 }, (_, index) => (index * 7 + (index >> 8)) % 256));
    async function* large(): AsyncGenerator<Uint8Array> {
      for (let sent = 0; sent < 50; sent++) yield await Promise.resolve(block);
    }
    await files.write('/workspace/large', large());
    expect((await stat(join(box, 'large'))).size).toBe(50 << 20);
    let position = 0;
    for await (const chunk of files.read('/workspace/large', { offset: 3 << 20, length: 40 << 20 })) {
      const from = position % block.length;
      const expected = Buffer.concat([block, block]).subarray(from, from + chunk.length);
      expect(Buffer.compare(Buffer.from(chunk), expected)).toBe(0);
      position += chunk.length;
    }
    expect(position).toBe(40 << 20);
  });
});

async function* chunksOf(...chunks: unknown[]): AsyncGenerator {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

/** Has nothing to give yet. */
class SilentSource implements AsyncIterable<Uint8Array> {
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => new Promise(() => undefined) };
  }
}

describe('calls to files', () => {
  it.each([
    ['/etc/passwd'],
    ['workspace/x'],
    ['/workspaces'],
    ['/workspace/'],
    ['/workspace//x'],
    ['/workspace/./x'],
    ['/workspace/../etc'],
    ['/workspace/x/..'],
    ['/workspace/a\0b'],
    [`/workspace/${'x'.repeat(256)}`],
    [`/workspace${'/xxxxxxx'.repeat(500)}`],
    [''],
    ['/'],
  ])('refuse the path %.40j', async (path) => {
    const calls = [
      files.list(path),
      files.stat(path),
      read(path),
      files.write(path, bytes('x')),
      files.makeDir(path),
      files.rename(path, '/workspace/x'),
      files.rename('/workspace/x', path),
      files.remove(path),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'SANDBOX008'));
  });

  it('refuse the two folders themselves, and numbers that make no sense', async () => {
    const calls = [
      read('/workspace'),
      files.write('/output', bytes('x')),
      files.rename('/workspace', '/output/x'),
      files.rename('/output/x', '/workspace'),
      files.remove('/workspace'),
      read('/workspace/f', { offset: -1 }),
      read('/workspace/f', { length: 0.5 }),
      files.list('/workspace', { limit: 0 }),
      files.write('/workspace/f', bytes('x'), { mode: 0o4755 }),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'SANDBOX008'));
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an array', [Buffer.from('x')]],
    ['a text', 'x'],
    ['numbers', chunksOf(7)],
    ['texts', chunksOf('x')],
    ['nothing after bytes', chunksOf(Buffer.from('x'), null)],
  ])('refuse to write what is no chunks of bytes: %s', async (_what, data) => {
    await expect(files.write('/workspace/f', data as AsyncIterable<Uint8Array>)).rejects.toMatchObject({
      code: 'SANDBOX008',
      field: 'data',
      message: expect.stringMatching(/^data: .* bytes/) as string,
    });
    expect(readdirSync(box)).toEqual([]);
  });

  it('tell at once of a source that cannot be read at all, and leave nothing', async () => {
    const source: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => {
        throw new TypeError('the source is locked');
      },
    };
    await expect(files.write('/workspace/f', source)).rejects.toThrow('the source is locked');
    expect(readdirSync(box)).toEqual([]);
  });

  it('end when the way into the sandbox breaks, and leave nothing', async () => {
    const broken = new Error('the line broke');
    provider.breakInput = broken;
    await expect(files.write('/workspace/f', bytes('x'))).rejects.toMatchObject({ code: 'SANDBOX011', cause: broken });
    expect(readdirSync(box)).toEqual([]);
  });

  it('work before a command, while one runs, and after it; several at once', async () => {
    await files.write('/workspace/before', bytes('1'));
    const running = provider.execute('box', ['sh', '-c', 'echo up; until [ -e go ]; do sleep 0.01; done; cat go'], {
      timeoutMs: 20_000,
    });
    expect(Buffer.from((await running.next()).value?.data ?? []).toString()).toBe('up\n');
    const many = Array.from({ length: 10 }, (_, index) => files.write(`/workspace/n${index}`, bytes(String(index))));
    await Promise.all(many);
    const all = await Promise.all(many.map((_, index) => read(`/workspace/n${index}`)));
    expect(all.join('')).toBe('0123456789');
    await files.write('/workspace/go', bytes('went'));
    expect(Buffer.from((await running.next()).value?.data ?? []).toString()).toBe('went');
    expect((await running.next()).done).toBe(true);
    expect(await provider.getResult('box')).toMatchObject({ cause: 'exited', exitCode: 0 });
    expect(await names('/workspace')).toHaveLength(12);
  });

  it('see nothing of the variables that a solution sets', async () => {
    await provider.cleanup('box');
    await provider.prepare('solution', folder, { ...config, environment: { PATH: '/nowhere', WORKSPACE_DIR: '/' } });
    await provider.files('box').write('/workspace/f', bytes('x'));
    expect(existsSync(join([...provider.boxes][0] ?? '', 'f'))).toBe(true);
  });

  it('end with their signal, before and while they read, and leave no process', async () => {
    expect(await codeOf(files.list('/workspace', { signal: AbortSignal.abort() }))).toBe('SANDBOX011');
    await writeFile(join(box, 'large'), Buffer.alloc(20 << 20));
    const abort = new AbortController();
    const reading = async (): Promise<void> => {
      for await (const chunk of files.read('/workspace/large', { signal: abort.signal })) {
        if (chunk.length > 0) abort.abort();
      }
    };
    expect(await codeOf(reading())).toBe('SANDBOX011');
    expect(provider.assisting.size).toBe(0);
  });

  it('end with a reader that leaves, however much there is to read', async () => {
    await writeFile(join(box, 'large'), '');
    await truncate(join(box, 'large'), 1e12);
    for await (const chunk of files.read('/workspace/large')) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    expect(provider.assisting.size).toBe(0);
  });

  it('end at a deadline when nothing answers', async () => {
    provider.helper = { shell: ['/bin/sh', '-c', 'exec sleep 1000'], path: process.env.PATH ?? '' };
    provider.filesDeadlineMs = 300;
    await expect(provider.files('box').list('/workspace')).rejects.toMatchObject({
      code: 'SANDBOX011',
      message: "The sandbox's files did not answer within 300 ms.",
    });
    expect(provider.assisting.size).toBe(0);
  });

  it('are waited for by cleanup', async () => {
    let settle: () => void = () => undefined;
    provider.settling = new Promise((resolve) => (settle = resolve));
    const call = codeOf(files.write('/workspace/f', new SilentSource()));
    await until(() => readdirSync(box).length === 1);
    const removing = provider.cleanup('box').then(() => 'removed');
    expect(await Promise.race([removing, delay(500, 'waiting')])).toBe('waiting');
    expect(existsSync(box)).toBe(true);
    settle();
    expect(await removing).toBe('removed');
    expect(await call).toBe('SANDBOX006');
  });

  it('are ended by cleanup, also where the reader has stopped reading, and nothing is left', async () => {
    await writeFile(join(box, 'large'), Buffer.alloc(20 << 20));
    const reading = files.read('/workspace/large')[Symbol.asyncIterator]();
    expect((await reading.next()).done).toBe(false);
    const writing = codeOf(files.write('/workspace/f', new SilentSource()));
    await until(() => readdirSync(box).length === 2);
    const removing = provider.cleanup('box');
    expect(await codeOf(files.list('/workspace'))).toBe('SANDBOX006');
    expect(await removing).toBe(true);
    expect(provider.assisting.size).toBe(0);
    expect(existsSync(box)).toBe(false);
    expect(await writing).toBe('SANDBOX006');
    const rest = async (): Promise<void> => {
      while ((await reading.next()).done !== true);
    };
    expect(await codeOf(rest())).toBe('SANDBOX006');
    expect(await codeOf(files.stat('/workspace'))).toBe('SANDBOX006');
    expect(() => provider.files('box')).toThrow('There is no sandbox box here.');
  });

  it('are refused by a provider that has no way to them', () => {
    class Bare extends LocalProvider {}
    Object.defineProperty(Bare.prototype, 'assist', { value: undefined });
    const bare: ManagedSandboxProvider<unknown> = new Bare();
    expect(() => bare.files('box')).toThrow('local gives no access to files (asked for box).');
  });
});
