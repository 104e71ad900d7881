import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readExamples } from './examples.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'examples-'));
  mkdirSync(join(folder, 'hello', 'lib'), { recursive: true });
  write(
    'hello/solution.json',
    JSON.stringify({
      id: 'hello',
      type: 'solution',
      name: 'Hello',
      version: '1.0.0',
      content: { main_file: 'main.py' },
    }),
  );
  write('hello/main.py', 'import lib.greet\n');
  write('hello/lib/greet.py', 'print("hällo")\n');
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, content: string | Buffer): void {
  writeFileSync(join(folder, path), content);
}

test('each folder is a unit, its files by their paths, what Python left beside them skipped', async () => {
  mkdirSync(join(folder, 'hello', '__pycache__'));
  write('hello/__pycache__/x.pyc', Buffer.from([0xff]));
  write('README.md', 'no example');
  expect(await readExamples(folder)).toEqual([
    {
      id: 'hello',
      type: 'solution',
      name: 'Hello',
      version: '1.0.0',
      content: {
        main_file: 'main.py',
        files: { 'main.py': 'import lib.greet\n', 'lib/greet.py': 'print("hällo")\n' },
      },
    },
  ]);
});

test.each<[string, () => void, RegExp]>([
  [
    'a link',
    () => symlinkSync('/etc/passwd', join(folder, 'hello', 'secret')),
    /hello\/secret is a link or a special file/,
  ],
  ['a folder that is a link', () => symlinkSync('/etc', join(folder, 'hello', 'etc')), /hello\/etc is a link/],
  ['bytes that are no text', () => write('hello/x.bin', Buffer.from([0xff])), /hello\/x\.bin is not UTF-8 text/],
  ['a descriptor that is no JSON', () => write('hello/solution.json', '{'), /solution\.json is not JSON/],
  ['no descriptor', () => rmSync(join(folder, 'hello', 'solution.json')), /hello\/solution\.json is missing/],
  [
    'a descriptor without a name',
    () => write('hello/solution.json', '{"type":"x"}'),
    /solution\.json\.name: must be text/,
  ],
])('%s is refused with a sentence that names the file', async (_case, spoil, sentence) => {
  spoil();
  await expect(readExamples(folder)).rejects.toThrow(sentence);
});

test('a folder that is not there is named', async () => {
  await expect(readExamples(join(folder, 'none'))).rejects.toThrow(/The examples in .*none cannot be read/);
});
