import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { SandboxFactory, SandboxRunner, silentLogger } from '@ergon/sandbox-core';
import { extract } from 'tar-stream';
import dockerProvider from '../src/index.js';
import { BUSYBOX, DEBIAN, TestServer } from './support/server.js';

const server = new TestServer();
afterAll(() => server[Symbol.asyncDispose]());

const images = [
  ['Debian', DEBIAN],
  ['BusyBox', BUSYBOX],
] as const;

async function contents(tar: AsyncIterable<Uint8Array>): Promise<Record<string, string>> {
  const entries = extract();
  Readable.from(tar, { objectMode: false }).pipe(entries);
  const found: Record<string, string> = {};
  for await (const entry of entries) {
    let text = '';
    for await (const chunk of entry as AsyncIterable<Buffer>) text += chunk.toString();
    found[entry.header.name.replace(/^\.\/|\/$/g, '')] =
      entry.header.type === 'file' ? text : (entry.header.type ?? '');
  }
  return found;
}

test.each(images)('a folder is packed and unpacked elsewhere with the tar of %s', async (_, image) => {
  const sandbox = await server.sandbox({ 'a.txt': 'aaa' }, {}, { image });
  await sandbox.sh('mkdir -p d/e; echo "b b" > "d/e/b b"; ln d/e/b* d/again; ln -s /etc/passwd d/link; : > .hidden');
  const files = server.provider.files(sandbox.id);
  if (files.pack === undefined || files.unpack === undefined) throw new Error('It has to pack and unpack.');
  let left: unknown = null;
  const packed: Uint8Array[] = [];
  for await (const chunk of files.pack('/workspace', { leftOut: (what) => (left = what) })) packed.push(chunk);
  expect(await contents(Readable.from(packed))).toEqual({
    '.hidden': '',
    'a.txt': 'aaa',
    d: 'directory',
    'd/e': 'directory',
    'd/e/b b': 'b b\n',
    'd/again': 'b b\n',
  });
  expect(left).toMatchObject({ special: 1, unreadable: 0 });
  await files.unpack('/output/copy', Readable.from(packed));
  const { stdout, end } = await sandbox.sh('cd /output/copy; find . | sort; cat "d/e/b b"; stat -c %u a.txt; id -u');
  expect(end).toMatchObject({ cause: 'exited', exitCode: 0, outputEmpty: false });
  const lines = stdout.trim().split('\n');
  expect(lines.slice(0, -2)).toEqual(['.', './.hidden', './a.txt', './d', './d/again', './d/e', './d/e/b b', 'b b']);
  expect(lines.at(-2)).toBe(lines.at(-1)); // they belong to the program
  await sandbox.cleanup();
});

test.each(images)(
  'what a program leaves in /output is kept with its result, with the tools of %s',
  async (_, image) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'output-'));
    const factory = new SandboxFactory();
    const options = { images: { shell: image, default: image, tools: image } };
    await factory.add(dockerProvider, options, { logger: silentLogger, stateDir: join(dataDir, 'sandboxes') });
    const registry = {
      getSolution: (id: string) =>
        Promise.resolve({ id, name: id, version: '1', content: { code: 'echo hi', main_file: 'main.sh' } }),
      recordTestResult: () => Promise.resolve(),
    };
    await using runner = await SandboxRunner.start({ dataDir, registry, factory });
    try {
      await using sandbox = await runner.open('hello');
      const run = async (script: string) => (await sandbox.execute({ command: ['sh', '-c', script] })).result;
      expect(await run('echo hi')).toMatchObject({ stdout: 'hi\n', files: [], errors: [] });
      const { files, errors, executionId } = await run(
        'cd /output; mkdir d; echo x >d/f; echo y >.hidden; ln d/f h; ln -s /etc/passwd l',
      );
      expect(files).toEqual(['.hidden', 'd/f', 'h']);
      expect(errors).toEqual(['1 in /output were not kept: links or special files.']);
      const output = await runner.outputs(executionId ?? '');
      let text = '';
      for await (const chunk of output.read('h')) text += Buffer.from(chunk).toString();
      expect(text).toBe('x\n');
    } finally {
      await runner.close();
      await rm(dataDir, { recursive: true });
    }
  },
);
