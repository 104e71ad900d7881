import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { archivePath, readTar, writeTar } from '../src/index.js';
import type { ArchiveEntry, TarBounds } from '../src/index.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archive-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const wide: TarBounds = { maxEntries: 10_000, maxBytes: 1e9 };

/** In pieces of odd sizes, as a network gives them. */
async function* pieces(data: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield await Promise.resolve(data.subarray(at, at + size));
}
async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}
type Seen = Omit<ArchiveEntry, 'content' | 'modifiedMs'> & { text: string };
async function readAll(data: Uint8Array, bounds: TarBounds = wide): Promise<Seen[]> {
  const seen: Seen[] = [];
  for await (const { content, path, type, bytes, mode } of readTar(pieces(data), bounds)) {
    seen.push({ path, type, bytes, mode, text: (await all(content)).toString() });
  }
  return seen;
}
function entry(path: string, text = '', more: Partial<ArchiveEntry> = {}): ArchiveEntry {
  const data = Buffer.from(text);
  return { path, type: 'file', bytes: data.length, mode: 0o644, modifiedMs: 1e12, content: pieces(data), ...more };
}
const tar = (...args: string[]): Buffer => execFileSync('tar', args, { cwd: folder, maxBuffer: 1 << 30 });
/** An archive of one header made by hand, with a right checksum. */
function handmade(change: (header: Buffer) => void, content = ''): Buffer {
  const header = Buffer.alloc(512);
  header.write('name', 0);
  header.write('0000644\0', 100);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('0', 156);
  header.write('ustar\x0000', 257, 'latin1');
  change(header);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const filled = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  filled.write(content);
  return Buffer.concat([header, filled]);
}
const end = Buffer.alloc(1024);

const odd = ['-rf', 'a b', "quo'te", 'new\nline', '*', 'ü漢', 'x'.repeat(255), `${'deep/'.repeat(60)}f`];

describe('a tar archive that was written', () => {
  it.each([
    ['GNU', 'tar'],
    ['busybox', 'busybox tar'],
  ])("is unpacked by %s's tar as it was meant", async (_who, command) => {
    const entries = [
      entry('empty', '', { type: 'folder', mode: 0o700 }),
      ...odd.map((path) => entry(`d/${path}`, path, { mode: 0o755 })),
    ];
    const data = await all(writeTar(entries));
    const { status, stderr } = spawnSync('sh', ['-c', `${command} -xf -`], { cwd: folder, input: data });
    expect([status, stderr.toString()]).toEqual([0, '']);
    for (const path of odd) expect(await readFile(join(folder, 'd', path), 'utf8')).toBe(path);
    const file = await stat(join(folder, 'd/-rf'));
    expect([file.mode & 0o777, file.mtimeMs]).toEqual([0o755, 1e12]);
    expect((await stat(join(folder, 'empty'))).mode & 0o777).toBe(0o700);
  });

  it('is read as it was written', async () => {
    const data = await all(writeTar([entry('e', '', { type: 'folder' }), ...odd.map((path) => entry(path, path))]));
    const files = odd.map((path) => ({ path, type: 'file', bytes: Buffer.byteLength(path), mode: 0o644, text: path }));
    expect(await readAll(data)).toEqual([{ path: 'e', type: 'folder', bytes: 0, mode: 0o644, text: '' }, ...files]);
    for await (const { modifiedMs } of readTar(pieces(data), wide)) expect(modifiedMs).toBe(1e12);
  });

  it('says sizes over 8 GiB, and dates that have no number as the first', async () => {
    const large = entry('large', '', { bytes: 2 ** 40, modifiedMs: -1, content: pieces(Buffer.alloc(100_000)) });
    const header = ((await writeTar([large]).next()).value as Uint8Array).subarray(0, 512);
    const read = await readTar(pieces(Buffer.concat([header, end])), { ...wide, maxBytes: 2 ** 41 }).next();
    expect(read.value).toMatchObject({ path: 'large', bytes: 2 ** 40, modifiedMs: 0 });
    await writeFile(join(folder, 'a.tar'), Buffer.concat([header, end]));
    expect(spawnSync('tar', ['-tvf', 'a.tar'], { cwd: folder }).stdout.toString()).toContain('1099511627776');
  });

  it.each([
    ['short', 'x', 2],
    ['long', 'xxx', 2],
  ])('is never one whose content is too %s', async (_what, text, bytes) => {
    await expect(all(writeTar([entry('f', text, { bytes })]))).rejects.toThrow('the content of f is not 2 bytes long');
  });
});

describe('a tar archive', () => {
  it.each(['v7', 'oldgnu', 'gnu', 'ustar', 'posix'])('in the format %s is read', async (format) => {
    const names = format === 'v7' || format === 'ustar' ? ['a', 'd/b'] : odd;
    for (const name of names) {
      await mkdir(join(folder, 'in', name, '..'), { recursive: true });
      await writeFile(join(folder, 'in', name), name);
      await utimes(join(folder, 'in', name), 1e9, 1e9);
    }
    const read = await readAll(tar('-C', 'in', '--format', format, '-cf', '-', '.'));
    const files = read.filter(({ type }) => type === 'file');
    expect(new Set(files.map(({ path }) => path))).toEqual(new Set(names));
    for (const { path, text } of files) expect(text).toBe(path);
    expect(read.map(({ path }) => path)).not.toContain('');
  });

  it('of busybox, and several that follow one another, are read', async () => {
    await writeFile(join(folder, 'f'), 'one');
    await mkdir(join(folder, 'g'));
    const data = execFileSync('sh', ['-c', 'busybox tar -cf - f; tar -cf - g; busybox tar -cf - ./f'], { cwd: folder });
    expect((await readAll(data)).map(({ path, type }) => [path, type])).toEqual([
      ['f', 'file'],
      ['g', 'folder'],
      ['f', 'file'],
    ]);
  });

  it('may have content left unread; once gone by it is refused', async () => {
    const data = await all(writeTar([entry('a', 'x'.repeat(5000)), entry('b', 'y'.repeat(5000)), entry('c', 'z')]));
    const entries: ArchiveEntry[] = [];
    for await (const each of readTar(pieces(data), wide)) {
      entries.push(each);
      if (each.path === 'b') for await (const chunk of each.content) if (chunk.length > 0) break;
    }
    expect(entries.map(({ path }) => path)).toEqual(['a', 'b', 'c']);
    await expect(all(entries[0]?.content ?? pieces(end))).rejects.toThrow('this content has gone by');
  });

  it('lets its source go when the reader leaves', async () => {
    let left = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield* writeTar([entry('f', 'x')]);
      } finally {
        left = true;
      }
    }
    for await (const { path } of readTar(source(), wide)) {
      expect(path).toBe('f');
      break;
    }
    expect(left).toBe(true);
  });
});

describe('a hostile tar archive', () => {
  it.each([
    ['/etc/passwd'],
    ['../up'],
    ['a/../../b'],
    ['a/..'],
    ['a//b'],
    ['a/./b'],
    ['..'],
    [''],
    ['back\\slash'],
    ['x'.repeat(256)],
    ['seg/'.repeat(800)],
  ])('can have no file named %j', async (name) => {
    const data = Buffer.concat([await all(writeTar([entry('long', '', { path: name })]))]);
    await expect(readAll(data)).rejects.toMatchObject({
      code: 'SANDBOX008',
      message: expect.stringContaining('no name') as string,
    });
    const skipped: string[] = [];
    expect(await readAll(data, { ...wide, skipped: (why) => skipped.push(why) })).toEqual([]);
    expect(skipped).toEqual(['name']);
  });

  it('can have no name that is no UTF-8, in a header nor in a record', async () => {
    const skipped: string[] = [];
    const name = Buffer.from('x\xff', 'latin1');
    const record = Buffer.concat([Buffer.from('11 path='), name, Buffer.from('\n')]);
    record.write(String(record.length));
    const data = Buffer.concat([
      handmade((header) => name.copy(header)),
      handmade((header) => header.write('x', 156), record.toString('latin1')),
      handmade(() => undefined, 'content'),
      end,
    ]);
    // The record's bytes are not text.
    record.copy(data, 1024);
    const seen = await readAll(data, { ...wide, skipped: (why) => skipped.push(why) });
    expect([skipped, seen]).toEqual([['name', 'name'], []]);
  });

  it('brings no links, FIFOs, devices or sparse files; they are counted or refused', async () => {
    await writeFile(join(folder, 'f'), 'x');
    await truncate(join(folder, 'f'), 10_000_000);
    execFileSync('sh', ['-c', 'ln f h; ln -s f l; mkfifo p; [ "$(id -u)" != 0 ] || mknod n c 1 3'], { cwd: folder });
    const devices = process.getuid?.() === 0 ? ['n'] : [];
    for (const format of ['gnu', 'posix']) {
      const data = tar('--format', format, '-S', '-cf', '-', 'f', 'h', 'l', 'p', ...devices);
      const skipped: string[] = [];
      expect(await readAll(data, { ...wide, skipped: (why) => skipped.push(why) })).toEqual([]);
      expect(skipped).toEqual(['special', 'link', 'link', 'special', ...devices.map(() => 'special')]);
      await expect(readAll(data)).rejects.toMatchObject({ code: 'SANDBOX008' });
    }
    await symlink('/etc', join(folder, 'etc'));
    await expect(readAll(tar('-cf', '-', 'etc'))).rejects.toThrow(`The archive can't be taken: "etc" is a link.`);
  });

  it('is bounded in entries and bytes, told by what comes and not by what is read', async () => {
    const three = await all(writeTar([entry('a', 'xx'), entry('b', 'xx'), entry('c', 'xx')]));
    expect(await readAll(three, { maxEntries: 3, maxBytes: 6 })).toHaveLength(3);
    await expect(readAll(three, { maxEntries: 2, maxBytes: 6 })).rejects.toMatchObject({ code: 'SANDBOX004' });
    await expect(readAll(three, { maxEntries: 3, maxBytes: 5 })).rejects.toMatchObject({ code: 'SANDBOX004' });
    const links = Buffer.concat([
      ...Array.from({ length: 3 }, () => handmade((header) => header.write('2', 156))),
      end,
    ]);
    const skipping = { maxEntries: 2, maxBytes: 5, skipped: () => undefined };
    await expect(readAll(links, skipping)).rejects.toMatchObject({ code: 'SANDBOX004' });
    const note = handmade((header) => header.write('L', 156), 'x');
    const noted = (count: number): Buffer => Buffer.concat([...Array<Buffer>(count).fill(note), three]);
    expect(await readAll(noted(8), { maxEntries: 3, maxBytes: 6 })).toHaveLength(3);
    await expect(readAll(noted(9))).rejects.toMatchObject({ code: 'SANDBOX008' });
  });

  it('has as many entries with long names as with short ones', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `${'n'.repeat(200)}${index}`);
    const long = await all(writeTar(names.map((name) => entry(name))));
    expect(await readAll(long, { maxEntries: 20, maxBytes: 0 })).toHaveLength(20);
    await Promise.all(names.map((name) => writeFile(join(folder, name), '')));
    for (const format of ['gnu', 'posix']) {
      expect(
        await readAll(tar('--format', format, '-cf', '-', ...names), { maxEntries: 20, maxBytes: 0 }),
      ).toHaveLength(20);
    }
  });

  it('cannot fill the memory with a name or with nothing', async () => {
    const long = handmade((header) => {
      header.write('x', 156);
      header.write('77777777777\0', 124);
    });
    let given = 0;
    async function* endless(first: Buffer): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(first);
      for (; given < 1e9; given += 65_536) yield Buffer.alloc(65_536);
    }
    for (const first of [long, end]) {
      given = 0;
      const reading = readTar(endless(first), { maxEntries: 10, maxBytes: 1e15 }).next();
      await expect(reading).rejects.toMatchObject({ code: 'SANDBOX008' });
      expect(given).toBeLessThan(4e6);
    }
  });

  it('is refused when it is damaged or cut off, wherever', async () => {
    const whole = await all(writeTar([entry('a', 'xx'), entry('x'.repeat(150), 'y'.repeat(600))]));
    for (const length of [0, 100, 512, 513, 1024, 1100, 1536, 2048, 2100, 3072, 3100, whole.length - 1030]) {
      await expect(readAll(whole.subarray(0, length))).rejects.toMatchObject({
        code: 'SANDBOX008',
        message: expect.stringContaining('cut off') as string,
      });
    }
    const broken = [
      Buffer.concat([Buffer.alloc(512, 'x'), end]),
      Buffer.concat([whole, Buffer.from('trailing garbage'.repeat(32))]),
      Buffer.concat([handmade((header) => header.write('9'.repeat(11), 124)), end]),
      Buffer.concat([handmade((header) => Buffer.alloc(12, 0xff).copy(header, 124)), end]),
      Buffer.concat([handmade((header) => header.write('2', 156), 'content of a link'), end]),
      Buffer.concat([handmade((header) => header.write('5', 156), 'content of a folder'), end]),
      Buffer.concat([handmade((header) => header.write('x', 156), '99 path=short\n'), end]),
      Buffer.concat([handmade((header) => header.write('x', 156), '0 path=x\n'), end]),
      Buffer.concat([handmade((header) => header.write('x', 156), '12 size=-30\n'), handmade(() => undefined), end]),
    ];
    for (const data of broken) await expect(readAll(data)).rejects.toMatchObject({ code: 'SANDBOX008' });
  });
});

it('a path of an archive is relative and plain, or none', () => {
  expect(['a', './a/b', 'a/', './', '.'].map(archivePath)).toEqual(['a', 'a/b', 'a', '', '']);
  expect(['', '/', '/a', '..', './..', '../a', 'a/../b', 'a//', 'a\\b', 'a\0', '\ud800'].map(archivePath)).toEqual(
    Array.from({ length: 11 }, () => null),
  );
});
