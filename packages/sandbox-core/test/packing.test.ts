import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readTar, writeTar } from '../src/index.js';
import type { ArchiveEntry, LeftOut, SandboxFiles, TarBounds } from '../src/index.js';
import { until } from './house.js';
import { boxConfig as config, LocalProvider } from './local-provider.js';

let provider: LocalProvider;
let folder: string;
let box: string;
let files: Required<SandboxFiles>;
/** A folder with nothing but links to busybox. */
let applets: string;

beforeAll(async () => {
  applets = await mkdtemp(join(tmpdir(), 'applets-'));
  execFileSync('busybox', ['--install', '-s', applets]);
  await chmod(applets, 0o755);
});
afterAll(async () => {
  await rm(applets, { recursive: true });
});
beforeEach(async () => {
  provider = new LocalProvider();
  folder = await mkdtemp(join(tmpdir(), 'packing-'));
  await provider.prepare('solution', folder, config);
  box = [...provider.boxes][0] ?? '';
  files = provider.files('box') as Required<SandboxFiles>;
});
afterEach(async () => {
  await provider[Symbol.asyncDispose]();
  expect(provider.assisting.size).toBe(0);
  await rm(folder, { recursive: true, force: true });
});

const wide: TarBounds = { maxEntries: 100_000, maxBytes: 1e9 };

async function* bytes(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
}
async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}
/** What lies below a folder: `name/` or `name=content`, sorted. */
async function packed(
  path = '/workspace',
  options: Parameters<typeof files.pack>[1] = {},
  bounds = wide,
): Promise<string[]> {
  const seen: string[] = [];
  for await (const entry of readTar(files.pack(path, options), bounds)) {
    seen.push(entry.type === 'folder' ? `${entry.path}/` : `${entry.path}=${await text(entry.content)}`);
  }
  return seen.sort();
}
function entry(path: string, content = '', more: Partial<ArchiveEntry> = {}): ArchiveEntry {
  const data = Buffer.from(content);
  return {
    path,
    type: 'file',
    bytes: data.length,
    mode: 0o644,
    modifiedMs: 1e12,
    content: { [Symbol.asyncIterator]: () => bytes(data) },
    ...more,
  };
}
const dir = (path: string): ArchiveEntry => entry(path, '', { type: 'folder', mode: 0o755 });
async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error as { code: string }).code,
  );
}
const sh = (script: string, ...args: string[]): void => {
  execFileSync('bash', ['-c', script, 'bash', ...args], { cwd: box });
};
/** As a user who is not root, to whom permissions mean something. */
function asUser(): void {
  const { shell, path } = provider.helper ?? { shell: ['sh'], path: process.env.PATH ?? '' };
  if (process.getuid?.() !== 0) return;
  provider.helper = {
    shell: ['/usr/bin/setpriv', '--reuid=12345', '--regid=12345', '--clear-groups', '--', ...shell],
    path: `${path}:/usr/bin:/bin`,
  };
  execFileSync('chown', ['-R', '12345:12345', box]);
}

const odd = [
  '-rf',
  'a b',
  "quo'te",
  'dou"ble',
  '$(touch x)',
  'new\nline',
  '*',
  '[a]',
  'ü漢',
  '...',
  '.hidden',
  'x'.repeat(255),
];

describe.each(['dash', 'bash', 'busybox'])('archives, by scripts in %s', (shell) => {
  beforeEach(() => {
    if (shell === 'busybox') provider.helper = { shell: [join(applets, 'sh')], path: applets };
    else provider.helper = { shell: [shell], path: process.env.PATH ?? '' };
  });

  it('go in and come out with all names, contents and modes', async () => {
    const tree = [
      dir('empty'),
      dir('d'),
      ...odd.flatMap((name) => [entry(name, name), entry(`d/${name}/${name}`, name)]),
    ];
    tree.push(entry('run.sh', '#!/bin/sh\n', { mode: 0o777 }), entry('deep/'.repeat(300) + 'f', 'deep'));
    await files.unpack('/workspace/new/folder', writeTar(tree));
    expect(readdirSync(join(box, 'new'))).toEqual(['folder']);
    const root = join(box, 'new/folder');
    expect(new Set(readdirSync(root))).toEqual(new Set(['empty', 'd', 'run.sh', 'deep', ...odd]));
    for (const name of odd) expect(await readFile(join(root, 'd', name, name), 'utf8')).toBe(name);
    expect((await stat(join(root, 'run.sh'))).mode & 0o100).toBe(0o100);
    expect((await stat(join(root, 'a b'))).mtimeMs).toBe(1e12);
    const out = await packed('/workspace/new');
    expect(out).toContain('folder/empty/');
    expect(out).toContain(`folder/${'deep/'.repeat(300)}f=deep`);
    for (const name of odd) expect(out).toContain(`folder/d/${name}/${name}=${name}`);
    expect(await packed('/output')).toEqual([]);
  });

  it('are put into folders that are there, and replace files', async () => {
    sh('mkdir -p a/b/c; echo old >a/b/f; echo kept >a/b/g; echo kept >a/h; chmod 700 a/b');
    const tree = [
      dir('a'),
      entry('a/b/f', 'new'),
      entry('a/b/c/x', 'x'),
      entry('a/n/m', 'm'),
      entry('top', 't'),
      dir('a/e'),
    ];
    await files.unpack('/workspace', writeTar(tree));
    expect(await packed()).toEqual(
      [
        'a/',
        'a/b/',
        'a/b/c/',
        'a/b/c/x=x',
        'a/b/f=new',
        'a/b/g=kept\n',
        'a/e/',
        'a/h=kept\n',
        'a/n/',
        'a/n/m=m',
        'top=t',
      ].sort(),
    );
    expect((await stat(join(box, 'a/b'))).mode & 0o777).toBe(0o700);
    expect(readdirSync(box).sort()).toEqual(['a', 'top']);
  });

  it('are refused whole where something else is in the way, and nothing is put there', async () => {
    sh('mkdir -p d/sub; ln -s d l; ln -s /etc etc; mkfifo p; touch f; ln -s nowhere d/sub/dangling');
    const wrong = [
      entry('d'),
      entry('f/x'),
      dir('f'),
      entry('l'),
      entry('l/x'),
      entry('etc/x'),
      entry('p'),
      entry('p/x'),
      entry('d/sub/dangling'),
    ];
    for (const each of wrong) {
      await expect(files.unpack('/workspace', writeTar([entry('before'), each, entry('z')]))).rejects.toMatchObject({
        code: 'SANDBOX008',
        message: 'A path of the archive is taken by something else, below "/workspace".',
      });
    }
    for (const path of ['/workspace/l', '/workspace/l/x', '/workspace/f', '/workspace/p']) {
      expect(await codeOf(files.unpack(path, writeTar([entry('x')])))).toBe('SANDBOX008');
    }
    const clash = writeTar([entry('x'), entry('x/y')]);
    expect(await codeOf(files.unpack('/workspace', clash))).toBe('SANDBOX008');
    expect(readdirSync(box).sort()).toEqual(['d', 'etc', 'f', 'l', 'p']);
    expect(existsSync('/etc/x')).toBe(false);
  });

  it('with links are refused, and nothing is put there', async () => {
    sh('mkdir a; ln -s /etc a/l; touch a/f; ln a/f a/h; tar -C a -cf l.tar f l; tar -C a -cf h.tar f h; rm -r a');
    for (const name of ['l.tar', 'h.tar']) {
      const data = readFileSync(join(box, name));
      expect(await codeOf(files.unpack('/workspace', bytes(data)))).toBe('SANDBOX008');
    }
    expect(readdirSync(box).sort()).toEqual(['h.tar', 'l.tar']);
  });

  it('that are cut off, damaged, or whose source breaks, leave nothing', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield* writeTar([entry('f', 'x'.repeat(100_000))]);
      throw new TypeError('the source broke');
    }
    await expect(files.unpack('/workspace', failing())).rejects.toThrow('the source broke');
    const whole = Buffer.from(await text(writeTar([entry('f', 'x'.repeat(100_000))])));
    for (const data of [whole.subarray(0, 50_000), whole.subarray(0, -1024), Buffer.from('no tar'), Buffer.alloc(0)]) {
      expect(await codeOf(files.unpack('/workspace', bytes(data)))).toBe('SANDBOX008');
    }
    const abort = new AbortController();
    async function* endless(): AsyncGenerator<ArchiveEntry> {
      for (let sent = 0; ; sent++) {
        if (sent === 50) abort.abort();
        yield await Promise.resolve(entry(`f${sent}`, 'x'.repeat(10_000)));
      }
    }
    expect(await codeOf(files.unpack('/workspace', writeTar(endless()), { signal: abort.signal }))).toBe('SANDBOX011');
    provider.breakInput = new Error('the line broke');
    await expect(files.unpack('/workspace', bytes(whole))).rejects.toMatchObject({ code: 'SANDBOX011' });
    expect(readdirSync(box)).toEqual([]);
  });

  it('for which the disk has no room are refused with SANDBOX004, and nothing is put there', async () => {
    const { shell: own = [], path = '' } = provider.helper ?? {};
    const small =
      'mount -t tmpfs -o size=1m,nr_inodes=50 t "$WORKSPACE_DIR" && cd "$WORKSPACE_DIR" && "$@"; c=$?; ls -A >"$OUTPUT_DIR/after"; exit $c';
    provider.helper = {
      shell: ['unshare', '-Urm', '/bin/sh', '-c', small, 'sh', ...own],
      path: `${path}:/usr/bin:/bin`,
    };
    const large = [entry('f', 'x'.repeat(2 << 20)), entry('g', 'x')];
    const many = Array.from({ length: 100 }, (_, index) => entry(`f${index}`));
    for (const tree of [large, many]) {
      expect(await codeOf(files.unpack('/workspace', writeTar(tree)))).toBe('SANDBOX004');
      expect(readFileSync(join(`${box}.output`, 'after'), 'utf8')).toBe('');
    }
    provider.helper = { shell: ['prlimit', '--fsize=100000', '--', ...own], path: `${path}:/usr/bin:/bin` };
    expect(await codeOf(files.unpack('/workspace', writeTar(large)))).toBe('SANDBOX004');
    expect(readdirSync(box)).toEqual([]);
  });

  it('hold no links nor special files, which are counted; files with several names are there under each', async () => {
    await writeFile(join(folder, 'secret'), 'secret');
    sh(
      'echo x >f; ln f g; mkdir d; ln f d/h; ln -s "$1" l; ln -s / root; ln -s loop loop; mkfifo p; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\'s\')"',
      join(folder, 'secret'),
    );
    const left: LeftOut[] = [];
    expect(await packed('/workspace', { leftOut: (each) => left.push(each) })).toEqual([
      'd/',
      'd/h=x\n',
      'f=x\n',
      'g=x\n',
    ]);
    expect(left).toEqual([{ special: 5, large: 0, unreadable: 0, changed: 0 }]);
    expect(await codeOf(packed('/workspace/l'))).toBe('SANDBOX008');
    expect(await codeOf(packed('/workspace/root'))).toBe('SANDBOX008');
    expect(await codeOf(packed('/workspace/f'))).toBe('SANDBOX008');
    expect(await codeOf(packed('/workspace/none'))).toBe('SANDBOX012');
  });

  it('leave out files that are too large, holes and all, and those that cannot be read, and say how many', async () => {
    sh('echo x >f; echo 12345 >exact; echo 123456 >over; mkdir shut; touch shut/in u; chmod 0 shut u');
    await writeFile(join(box, 'hole'), '');
    await truncate(join(box, 'hole'), 2 ** 40);
    asUser();
    const left: LeftOut[] = [];
    const all = await packed('/workspace', { maxFileBytes: 6, leftOut: (each) => left.push(each) });
    expect(all.filter((each) => each !== 'shut/')).toEqual(['exact=12345\n', 'f=x\n']);
    expect(left).toEqual([{ special: 0, large: 2, unreadable: expect.any(Number) as number, changed: 0 }]);
    expect(left[0]?.unreadable).toBeGreaterThanOrEqual(2);
    await chmod(join(box, 'shut'), 0o700);
    const over = readTar(files.pack('/workspace'), { maxEntries: 100, maxBytes: 2 ** 41 });
    for await (const { path, bytes: size, content } of over) {
      if (path !== 'hole') continue;
      expect(size).toBe(2 ** 40);
      for await (const chunk of content) {
        expect(chunk.some((byte) => byte !== 0)).toBe(false);
        break;
      }
      break;
    }
    expect(provider.assisting.size).toBe(0);
    await expect(packed('/workspace')).rejects.toMatchObject({ code: 'SANDBOX004' });
  });

  it('of more entries than are wanted are refused before anything of them comes', async () => {
    sh('mkdir d; cd d; touch a "$1"; ln -s a l; mkdir e; touch e/b', 'new\n\nline');
    expect(await packed('/workspace', { maxEntries: 6 })).toEqual(['d/', 'd/a=', 'd/e/', 'd/e/b=', 'd/new\n\nline=']);
    let came = 0;
    const refused = (async () => {
      for await (const chunk of files.pack('/workspace', { maxEntries: 5 })) came += chunk.length;
    })();
    await expect(refused).rejects.toMatchObject({
      code: 'SANDBOX004',
      message:
        'More than 5 entries are below "/workspace", which is the most for one archive; take the folders below it one by one.',
    });
    expect(came).toBe(0);
    expect(await packed('/workspace/d/e', { maxEntries: 1 })).toEqual(['b=']);
    expect(await codeOf(packed('/workspace', { maxEntries: -1 }))).toBe('SANDBOX008');
  });

  it('that are refused leave no folder that was made for them, and those that were there', async () => {
    const broken = entry('l', '', { bytes: 1 }); // has less than it says: it breaks on the way
    sh('mkdir kept; mkdir -p with/file; touch with/file/f');
    for (const path of ['new', 'new/er/folder', 'kept/new/folder', 'kept', 'with/file/new', 'a b/ü/*']) {
      await expect(files.unpack(`/workspace/${path}`, writeTar([entry('good'), broken]))).rejects.toThrow();
      expect(readdirSync(box)).toEqual(['kept', 'with']);
      expect([...readdirSync(join(box, 'kept')), ...readdirSync(join(box, 'with/file'))]).toEqual(['f']);
    }
    await files.unpack('/workspace/new/er/folder', writeTar([]));
    expect(readdirSync(join(box, 'new/er'))).toEqual(['folder']);
  });

  it('of files that grow, shrink and vanish meanwhile end, with what was there or with an error', async () => {
    sh('for i in $(seq 200); do echo $i >n$i; done');
    await writeFile(join(box, 'grows'), 'x');
    const busy = spawn(
      'python3',
      [
        '-c',
        'import os, sys\nos.chdir(sys.argv[1])\nf = open("grows", "ab")\nwhile os.getppid() != 1:\n f.write(b"x" * 4096)\n for i in range(1, 200):\n  os.remove(f"n{i}"); open(f"n{i}", "w").write(str(i))\n if f.tell() > 10000000: f.truncate(0); f.seek(0)',
        box,
      ],
      { stdio: 'ignore' },
    );
    await until(() => existsSync(join(box, 'grows')));
    for (let round = 0; round < 10; round++) {
      const all = await packed().catch((error: unknown) => (error as { code: string }).code);
      if (typeof all === 'string') expect(['SANDBOX011', 'SANDBOX008']).toContain(all);
      else expect(all).toContain('n200=200\n');
    }
    busy.kill('SIGKILL');
    await new Promise((resolve) => busy.once('exit', resolve));
  });

  it('of many files come, and end with a reader that has had enough', async () => {
    spawnSync('sh', ['-c', 'seq -f e%.0f 1 20000 | xargs touch'], { cwd: box });
    expect(await packed()).toHaveLength(20_000);
    expect(await codeOf(packed('/workspace', {}, { maxEntries: 1000, maxBytes: 1000 }))).toBe('SANDBOX004');
    expect(provider.assisting.size).toBe(0);
    const out = files.pack('/workspace');
    await files.unpack('/output', out);
    expect(readdirSync(`${box}.output`)).toHaveLength(20_000);
  });

  it('never write outside while links are swapped in as fast as can be', async () => {
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'mark'), 'outside');
    sh('mkdir -p d/e; echo inside >d/f; ln -s "$1" l', outside);
    const swap =
      'import ctypes, os, sys\nlibc = ctypes.CDLL(None)\nwhile os.getppid() != 1: libc.renameat2(-100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2)';
    const swapping = spawn('python3', ['-c', swap, join(box, 'd'), join(box, 'l')]);
    const ends = new Set<string>();
    for (let round = 0; round < 20; round++) {
      const tree = [entry('d/new', 'new'), entry(`d/n${round}/x`, 'x'), entry('d/e/f', 'f')];
      ends.add(await codeOf(files.unpack('/workspace', writeTar(tree))));
      // What tar(1) opens by its path meanwhile may be read through a link: it is something that the program can read itself.
      for (const path of ['/workspace', '/workspace/d']) ends.add(await codeOf(packed(path)));
    }
    swapping.kill('SIGKILL');
    await new Promise((resolve) => swapping.once('exit', resolve));
    expect(readdirSync(outside)).toEqual(['mark']);
    expect([...ends].filter((end) => !['none', 'SANDBOX008', 'SANDBOX012', 'SANDBOX011'].includes(end))).toEqual([]);
    expect(dirname(box)).toBe(tmpdir());
  });
});

describe('packing and unpacking', () => {
  it('refuse paths and sources that are none', async () => {
    const calls = [
      packed('/etc'),
      packed('/workspace/../etc'),
      packed('/workspace', { maxFileBytes: -1 }),
      files.unpack('/etc', writeTar([])),
      files.unpack('/workspace', 'text' as unknown as AsyncIterable<Uint8Array>),
    ];
    expect(await Promise.all(calls.map(codeOf))).toEqual(calls.map(() => 'SANDBOX008'));
  });

  it('need tar(1): SANDBOX009 without', async () => {
    const bare = join(folder, 'bare');
    await mkdir(bare);
    for (const name of readdirSync(applets)) if (name !== 'tar') await symlink(join(applets, name), join(bare, name));
    provider.helper = { shell: ['/bin/dash'], path: bare };
    expect(await codeOf(packed())).toBe('SANDBOX009');
    await expect(files.unpack('/workspace/x', writeTar([entry('f')]))).rejects.toMatchObject({
      code: 'SANDBOX009',
      message: expect.stringContaining('no tar(1)') as string,
    });
  });

  it('take at most 100,000 entries', async () => {
    provider.filesDeadlineMs = 120_000; // on a busy machine they take their time
    files = provider.files('box') as Required<SandboxFiles>;
    function* many(): Generator<ArchiveEntry> {
      for (let index = 0; index <= 100_000; index++) yield dir(`d${index % 10}`);
    }
    expect(await codeOf(files.unpack('/workspace', writeTar(many())))).toBe('SANDBOX004');
    expect(readdirSync(box)).toEqual([]);
  });

  it('end at a deadline where nothing comes any more, and wait for a slow reader', async () => {
    provider.filesDeadlineMs = 300;
    files = provider.files('box') as Required<SandboxFiles>;
    const bare = join(folder, 'bare');
    await mkdir(bare);
    await writeFile(join(bare, 'tar'), '#!/bin/sh\n[ "$1" != --version ] || exit 0\nprintf x\nexec sleep 1000\n', {
      mode: 0o755,
    });
    provider.helper = { shell: ['/bin/sh'], path: `${bare}:${process.env.PATH ?? ''}` };
    await writeFile(join(box, 'f'), 'x');
    await expect(text(files.pack('/workspace'))).rejects.toMatchObject({
      code: 'SANDBOX011',
      message: expect.stringContaining('did not answer') as string,
    });
    provider.helper = null;
    await writeFile(join(box, 'large'), Buffer.alloc(20 << 20));
    let size = 0;
    for await (const chunk of files.pack('/workspace')) {
      if (size === 0) await new Promise((resolve) => setTimeout(resolve, 1000));
      size += chunk.length;
    }
    expect(size).toBeGreaterThan(20 << 20);
    async function* slow(): AsyncGenerator<Uint8Array> {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      yield* writeTar([entry('slow', 'x')]);
    }
    await files.unpack('/workspace', slow());
    await files.write('/workspace/slow', slow());
    expect(readdirSync(box).sort()).toEqual(['f', 'large', 'slow']);
  });
});
