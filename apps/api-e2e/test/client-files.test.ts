import type { SandboxClient } from '@ergon/sandbox-client';
import { serve } from './client-server.js';
import type { Served } from './client-server.js';
import { TestServer } from './server.js';

let client: SandboxClient;
let open: Served['open'];
beforeAll(async () => {
  ({ client, open } = await serve());
});
afterAll(() => TestServer.endAll());

it('files are written, read in whole and in part, listed, renamed and removed', async () => {
  await using sandbox = await open();
  const { files } = sandbox;
  await files.write('a dir/ü%?.txt', 'grün');
  expect(await files.readText('a dir/ü%?.txt')).toBe('grün');
  expect(await files.readText('workspace/a dir/ü%?.txt', { offset: 1, length: 1 })).toBe('r');
  await files.write('bytes', new Uint8Array([0, 255]));
  expect([...(await files.read('bytes'))]).toEqual([0, 255]);
  await files.makeDir('empty');
  await files.rename('bytes', 'a dir/moved');
  expect((await files.list('a dir')).entries.map(({ name }) => name).sort()).toEqual(['moved', 'ü%?.txt']);
  expect(await files.stat('a dir/moved')).toMatchObject({ type: 'file', size: 2 });
  await files.remove('a dir/moved');
  expect([await files.exists('a dir/moved'), await files.exists('empty')]).toEqual([false, true]);
  await expect(files.read('../x')).rejects.toThrow(TypeError);
});

it.each(['tar', 'zip'] as const)('a folder comes as a %s, and goes back as one', async (format) => {
  await using sandbox = await open();
  const { files } = sandbox;
  await files.write('a dir/deep/ü.txt', 'grün');
  await files.write('a dir/bytes', new Uint8Array([0, 255]));
  const archive = new Uint8Array(await new Response(await files.downloadArchive('a dir', { format })).arrayBuffer());
  // ustar(5) at 257; APPNOTE.TXT of PKWARE, 4.3.7
  const magic = format === 'tar' ? archive.subarray(257, 262) : archive.subarray(0, 4);
  expect(new TextDecoder().decode(magic)).toBe(format === 'tar' ? 'ustar' : 'PK\u0003\u0004');
  expect(await files.uploadArchive('copy', archive, { format })).toMatchObject({ files: 2 });
  expect(await files.readText('copy/deep/ü.txt')).toBe('grün');
  expect([...(await files.read('copy/bytes'))]).toEqual([0, 255]);
});

it('a file is read in pieces of any length, none and what lies behind its end among them, and as a stream', async () => {
  await using sandbox = await open();
  const { files } = sandbox;
  await files.write('text', 'hello world');
  await files.write('empty', '');
  expect(await files.readText('text', { length: 0 })).toBe('');
  expect(await files.readText('text', { offset: 3, length: 0 })).toBe('');
  expect(await files.readText('text', { offset: 6 })).toBe('world');
  expect(await files.readText('text', { offset: 6, length: 100 })).toBe('world');
  expect(await files.readText('text', { offset: 11 })).toBe('');
  expect(await files.readText('empty', { length: 5 })).toBe('');
  await expect(files.read('nothing', { length: 0 })).rejects.toMatchObject({ code: 'SANDBOX012' });
  for (const wrong of [{ length: -1 }, { offset: -1 }, { length: NaN }, { offset: 0.5 }, { length: Infinity }]) {
    await expect(files.read('text', wrong)).rejects.toThrow(RangeError);
  }

  const big = new Uint8Array(3_000_000).map((_byte, index) => index % 251);
  await files.write('big', new Blob([big]).stream());
  const chunks: Uint8Array[] = [];
  const reader = (await files.readStream('big')).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value);
  expect(chunks.length).toBeGreaterThan(1);
  expect(Buffer.concat(chunks).equals(big)).toBe(true);
  const part = await new Response(await files.readStream('big', { offset: 1000, length: 4 })).arrayBuffer();
  expect([...new Uint8Array(part)]).toEqual([...big.subarray(1000, 1004)]);
});

it('what a command left in /output is kept with its result: listed, read in part and taken as an archive, also once the sandbox is gone', async () => {
  const sandbox = await open();
  await expect(sandbox.output().list()).rejects.toMatchObject({ code: 'SANDBOX012' });
  const first = await sandbox.commands.run(
    'mkdir -p /output/a/b; echo one > /output/a/b/1.txt; echo two > /output/2.txt',
  );
  await sandbox.commands.run('rm -r /output/a; echo three > /output/3.txt; ln -s /etc/passwd /output/link');
  await sandbox.remove();
  const gone = await client.sandboxes.connect(sandbox.id);
  const names = (await gone.output().list()).map(({ path }) => path).sort();
  expect(names).toEqual(['2.txt', '3.txt']);
  const kept = gone.output(first.executionId);
  expect(await kept.list()).toEqual(
    expect.arrayContaining([
      { path: 'a/b/1.txt', size: 4, mode: '644', modified: expect.stringMatching(/^2\d{3}-.*Z$/) as string },
    ]),
  );
  expect(await kept.readText('a/b/1.txt')).toBe('one\n');
  expect(await kept.readText('2.txt', { offset: 1, length: 2 })).toBe('wo');
  expect(await new Response(await kept.readStream('2.txt')).text()).toBe('two\n');
  await expect(kept.read('3.txt')).rejects.toMatchObject({ code: 'SANDBOX012', status: 404 });

  await using other = await open();
  const zip = await new Response(await kept.downloadArchive('', { format: 'zip' })).blob();
  expect(await other.files.uploadArchive('all', zip, { format: 'zip' })).toMatchObject({ files: 2 });
  const tar = await new Response(await kept.downloadArchive('a')).blob();
  expect(await other.files.uploadArchive('a', tar)).toMatchObject({ files: 1 });
  expect([await other.files.readText('all/a/b/1.txt'), await other.files.readText('a/b/1.txt')]).toEqual([
    'one\n',
    'one\n',
  ]);
});
