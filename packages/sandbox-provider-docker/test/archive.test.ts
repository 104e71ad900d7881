import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  appendFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { checkedArchive, packFolder, putInto } from '../src/archive/index.js';
import { connect, resolveEndpoint } from '../src/connect/index.js';
import { busybox } from './support/echo.js';

const docker = connect(resolveEndpoint());
const owner = { uid: 1_234_567, gid: 7_654_321, prefix: 'workspace' };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ergon-archive-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Unpacks into a volume through a container that never runs, then looks at it from another one. */
async function unpacked(tar: Readable, look: string, signal?: AbortSignal): Promise<string> {
  const volume = `ergon-test-${randomUUID()}`;
  const config = { Image: busybox, HostConfig: { NetworkMode: 'none', Binds: [`${volume}:/workspace`] } };
  const taker = await docker.createContainer(config);
  try {
    await putInto(taker, '/', tar, signal);
    const looker = await docker.createContainer({ ...config, Cmd: ['sh', '-c', look], Tty: true });
    try {
      await looker.start();
      await looker.wait();
      const log = await looker.logs({ stdout: true, stderr: true });
      return log.toString().replaceAll('\r\n', '\n');
    } finally {
      await looker.remove({ force: true });
    }
  } finally {
    await taker.remove({ force: true });
    await docker.getVolume(volume).remove();
  }
}

function write(name: string | Buffer, content: string | Buffer, mode = 0o644): void {
  const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]);
  writeFileSync(path, content, { mode });
  chmodSync(path, mode);
}

describe('a packed folder', () => {
  test('comes out with its files, their modes, and everything owned by the given ids, the target folder too', async () => {
    mkdirSync(join(folder, 'sub'), { mode: 0o555 });
    chmodSync(join(folder, 'sub'), 0o555);
    chmodSync(folder, 0o750);
    write('run.sh', 'echo hi', 0o755);
    write('secret', '', 0o040);
    write('set', 'x', 0o4711);
    const listing = await unpacked(
      packFolder(folder, owner),
      'cd /workspace && stat -c "%u %g %a %s %n" . * && cat run.sh',
    );
    expect(listing.split('\n')).toEqual([
      '1234567 7654321 750 4096 .',
      '1234567 7654321 755 7 run.sh',
      '1234567 7654321 640 0 secret',
      '1234567 7654321 711 1 set',
      '1234567 7654321 755 4096 sub',
      'echo hi',
    ]);
  });

  test('keeps names that are long, of any script, of awkward characters, or no UTF-8', async () => {
    const deep = Array.from({ length: 12 }, (_, at) => `${at}`.padStart(100, 'd')).join('/');
    mkdirSync(join(folder, deep), { recursive: true });
    const names = [`${deep}/${'l'.repeat(255)}`, 'größe-日本.txt', 'a\nb', 'q\'uo"te', '-rf', '*', ' '].map((name) =>
      Buffer.from(name),
    );
    const invalid = Buffer.from([0x66, 0xff, 0xfe]);
    const longInvalid = Buffer.concat([Buffer.from('x'.repeat(200)), Buffer.from([0xff])]);
    for (const name of [...names, invalid, longInvalid]) write(name, 'here');
    const there = await unpacked(packFolder(folder, owner), 'cd /workspace && find . -type f | od -An -v -tx1');
    const found = Buffer.from(there.replace(/\s/g, ''), 'hex').toString('latin1');
    for (const name of [...names, invalid, longInvalid]) expect(found).toContain(`./${name.toString('latin1')}\n`);
    expect(found.split('\n')).toHaveLength(9 + 2);
  });

  test('of many megabytes is read as it is taken, not before', async () => {
    const size = 300 * 1024 * 1024;
    write('big', 'begin');
    truncateSync(join(folder, 'big'), size);
    const tar = packFolder(folder, owner);
    const before = process.memoryUsage().rss;
    tar.read(0);
    await new Promise((resolve) => tar.once('readable', resolve));
    expect(tar.readableLength).toBeLessThan(1_000_000);
    let [read, most] = [0, 0];
    for await (const chunk of tar as AsyncIterable<Buffer>) {
      read += chunk.length;
      most = Math.max(most, process.memoryUsage().rss - before);
    }
    expect(read).toBeGreaterThan(size);
    expect(most).toBeLessThan(150 * 1024 * 1024);
  });

  test('has sizes beyond what the old header can say', async () => {
    truncateSync(fileOf('huge'), 9 * 1024 ** 3);
    const tar = packFolder(folder, owner);
    const head: Buffer[] = [];
    for await (const chunk of tar as AsyncIterable<Buffer>) {
      head.push(chunk);
      if (Buffer.concat(head).length > 4096) break;
    }
    writeFileSync(join(folder, 'head.tar'), Buffer.concat(head));
    // GNU tar's own reading of it; the archive is cut off, which it says as well.
    const listing = execFileSync('sh', ['-c', `tar -tvf ${folder}/head.tar 2>/dev/null || true`]).toString();
    expect(listing).toMatch(/ 9663676416 .* workspace\/huge/);
  });

  test.each([
    ['a symlink', () => symlinkSync('/etc/passwd', join(folder, 'x'))],
    ['a symlink to a folder', () => symlinkSync('/etc', join(folder, 'x'))],
    ['a dangling symlink', () => symlinkSync('nowhere', join(folder, 'x'))],
    ['a FIFO', () => execFileSync('mkfifo', [join(folder, 'x')])],
    ['a device', () => execFileSync('mknod', [join(folder, 'x'), 'c', '1', '3'])],
  ])('with %s in it is refused, by name', async (_, plant) => {
    plant();
    await expect(buffer(packFolder(folder, owner))).rejects.toMatchObject({
      code: 'SANDBOX008',
      message: expect.stringContaining('"workspace/x" is a link or a special file') as string,
    });
  });

  test.each([
    ['grows', (path: string) => appendFileSync(path, 'more'), 'changed while it was packed'],
    ['shrinks', (path: string) => truncateSync(path, 10), 'became shorter while it was packed'],
    ['is written', (path: string) => writeFileSync(path, 'other', { flag: 'r+' }), 'changed while it was packed'],
  ])('with a file that %s meanwhile is an error, not a damaged archive', async (_, change, sentence) => {
    write('file', Buffer.alloc(3_000_000, 1));
    const tar = packFolder(folder, owner);
    let changed = false;
    const reading = (async () => {
      for await (const chunk of tar as AsyncIterable<Buffer>) {
        if (chunk.length > 100_000 && !changed) {
          change(join(folder, 'file'));
          changed = true;
        }
      }
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'SANDBOX008',
      message: expect.stringContaining(sentence) as string,
    });
  });

  test('of which a part turns into a link meanwhile is packed as it was opened', async () => {
    mkdirSync(join(folder, 'sub'));
    write('sub/a', Buffer.alloc(3_000_000, 1));
    write('sub/b', 'this is mine');
    const others = mkdtempSync(join(tmpdir(), 'ergon-others-'));
    writeFileSync(join(others, 'b'), 'this is not');
    const parts: Buffer[] = [];
    for await (const chunk of packFolder(folder, owner) as AsyncIterable<Buffer>) {
      if (chunk.length > 100_000 && parts.every((part) => part.length < 100_000)) {
        renameSync(join(folder, 'sub'), join(others, 'sub'));
        symlinkSync(others, join(folder, 'sub'));
      }
      parts.push(chunk);
    }
    rmSync(others, { recursive: true });
    expect(Buffer.concat(parts).toString('latin1')).toMatch(/^(?!.*this is not).*this is mine/s);
  });
});

function fileOf(name: string): string {
  write(name, '');
  return join(folder, name);
}

interface Entry {
  name: string;
  type?: 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'block-device';
  linkname?: string;
  mode?: number;
}

/** An archive of someone else's: files hold their own names. */
function foreign(...entries: Entry[]): Readable {
  const archive = pack();
  for (const entry of entries)
    archive.entry({ type: 'file', ...entry }, (entry.type ?? 'file') === 'file' ? entry.name : '');
  archive.finalize();
  return Readable.from(archive as AsyncIterable<Buffer>);
}

describe('an archive of someone else', () => {
  test('is passed on with its files, folders and inner links, owned by the given ids, without special bits', async () => {
    const archive = foreign(
      { name: './', type: 'directory' },
      { name: './lib/', type: 'directory', mode: 0o500 },
      { name: `lib/${'n'.repeat(150)}`, mode: 0o6755 },
      { name: 'größe' },
      { name: 'lib/up', type: 'symlink', linkname: '../größe' },
      { name: 'absolute', type: 'symlink', linkname: '/workspace/lib' },
      { name: 'hard', type: 'link', linkname: './größe' },
    );
    const look = 'cd /workspace && stat -c "%u %g %a %h %N" . * lib/* && cat lib/up hard';
    expect((await unpacked(checkedArchive(archive, owner), look)).split('\n')).toEqual([
      '1234567 7654321 755 3 .',
      "1234567 7654321 777 1 'absolute' -> '/workspace/lib'",
      '1234567 7654321 644 2 größe',
      '1234567 7654321 644 2 hard',
      '1234567 7654321 700 2 lib',
      `1234567 7654321 755 1 lib/${'n'.repeat(150)}`,
      "1234567 7654321 777 1 'lib/up' -> '../größe'",
      'größegröße',
    ]);
  });

  const link = (name: string, linkname: string): Entry => ({ name, type: 'symlink', linkname });
  test.each<[string, Entry[]]>([
    ['".."', [{ name: '../x' }]],
    ['".." in the middle', [{ name: 'a/../../x' }]],
    ['".." at the end', [{ name: 'a/..' }]],
    ['an absolute name', [{ name: '/etc/x' }]],
    ['a link up and out', [link('x', '..')]],
    ['a link out from below', [link('a/b/x', '../../../y')]],
    ['an absolute link out', [link('x', '/etc')]],
    ['an absolute link to a folder whose name begins the same', [link('x', '/workspace-2/y')]],
    ['an absolute link that goes up again', [link('x', '/workspace/../etc')]],
    ['a link that goes down and up, past another link', [link('a/b/back', '../..'), link('x', 'a/b/back/..')]],
    ['a file behind a link', [{ name: 'd', type: 'directory' }, link('x', 'd'), { name: 'x/y' }]],
    ['a file in the place of a link', [link('x', 'y'), { name: 'x' }]],
    ['a link in the place of a folder', [{ name: 'd', type: 'directory' }, link('d', 'y')]],
    ['a hard link to what came from elsewhere', [{ name: 'x', type: 'link', linkname: '../../etc/passwd' }]],
    ['a hard link to a link', [link('x', 'y'), { name: 'z', type: 'link', linkname: 'x' }]],
    ['a file in the place of the folder itself', [{ name: '.' }]],
    ['a FIFO', [{ name: 'x', type: 'fifo' }]],
    ['a device', [{ name: 'x', type: 'block-device' }]],
  ])('with %s in it is refused', async (_, entries) => {
    const archive = foreign({ name: 'before' }, ...entries, { name: 'after' });
    await expect(buffer(checkedArchive(archive, owner))).rejects.toMatchObject({
      code: 'SANDBOX008',
      message: expect.stringMatching(/^The archive is refused: its entry ".*" /) as string,
    });
  });

  test('that is cut off, damaged, or no archive is refused', async () => {
    const whole = await buffer(foreign({ name: 'a' }, { name: 'b' }));
    const noise = Buffer.alloc(2048, 'noise ');
    for (const bytes of [whole.subarray(0, 700), Buffer.concat([whole.subarray(0, 1024), noise]), noise]) {
      await expect(buffer(checkedArchive(Readable.from([bytes]), owner))).rejects.toMatchObject({
        code: 'SANDBOX008',
        message: expect.stringContaining('The archive for /workspace cannot be read') as string,
      });
    }
  });

  test('that holds more than its bound, names included, is refused, though it never ends', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      for (let count = 0; ; count += 1) yield (await buffer(foreign({ name: `${count}` }))).subarray(0, 1024);
    }
    await expect(buffer(checkedArchive(endless(), owner, 100_000))).rejects.toMatchObject({
      code: 'SANDBOX004',
      field: 'mounts',
      message: 'The archive for /workspace holds more than 100000 bytes.',
    });
  });

  test('whose source fails is refused, with its reason', async () => {
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(0);
      throw new Error('the shelf is empty');
    }
    await expect(buffer(checkedArchive(source(), owner))).rejects.toThrow('the shelf is empty');
  });
});

describe('putting into a container', () => {
  const looking = 'ls /workspace';

  test("gives the archive's own error", async () => {
    symlinkSync('/', join(folder, 'x'));
    await expect(unpacked(packFolder(folder, owner), looking)).rejects.toMatchObject({ code: 'SANDBOX008' });
  });

  test('ends at once with the reason of its signal, and the archive with it', async () => {
    const abort = new AbortController();
    let closed = false;
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        yield (await buffer(foreign({ name: 'workspace/x' }))).subarray(0, 512);
        setImmediate(() => abort.abort(new Error('no longer wanted')));
        await new Promise(() => undefined);
      } finally {
        closed = true;
      }
    }
    const tar = Readable.from(endless(), { objectMode: false });
    await expect(unpacked(tar, looking, abort.signal)).rejects.toThrow('no longer wanted');
    expect(tar.destroyed).toBe(true);
    expect(closed).toBe(false); // it waits for what never comes; nothing waits for it
  });

  test("says the engine's reason, and leaves no stream open", async () => {
    write('x', Buffer.alloc(5_000_000));
    const tar = packFolder(folder, { ...owner, prefix: 'workspace' });
    await expect(putInto(docker.getContainer(randomUUID()), '/', tar)).rejects.toMatchObject({
      code: 'SANDBOX011',
      message: expect.stringMatching(/did not take the files for \/: .*No such container/) as string,
    });
    expect(tar.destroyed).toBe(true);
  });
});
