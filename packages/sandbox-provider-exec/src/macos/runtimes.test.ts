import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findMacRuntimes, neededBy } from './runtimes.js';

let root: string;
beforeEach(() => (root = realpathSync(mkdtempSync(join(tmpdir(), 'ergon-runtimes-')))));
afterEach(() => rmSync(root, { recursive: true }));

function file(path: string, content = '\x7fELF'): string {
  const whole = join(root, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, content);
  chmodSync(whole, 0o755);
  return whole;
}

test("Homebrew's Python: its folders, their libraries, and the links by which it is found", () => {
  const version = 'brew/Cellar/python@3.13/3.13.1/Frameworks/Python.framework/Versions/3.13';
  const interpreter = file(`${version}/bin/python3.13`);
  file(`${version}/lib/python3.13/os.py`);
  symlinkSync('python3.13', join(dirname(interpreter), 'python3'));
  for (const name of ['bin', 'opt', 'var']) mkdirSync(join(root, 'brew', name));
  symlinkSync(`../${version.slice(5)}/bin/python3`, join(root, 'brew/bin/python3'));
  const found = findMacRuntimes({
    home: join(root, 'home'),
    path: join(root, 'brew/bin'),
    execPath: '/nowhere/x',
    forOthers: false,
  });
  expect(found.folders).toEqual([join(root, 'brew/Cellar'), join(root, 'brew/opt')]);
  expect(found.links).toEqual([join(root, 'brew/bin/python3'), join(root, version, 'bin/python3')]);
  expect(found.path).toEqual([join(root, version, 'bin')]);
  expect(found.commands).toEqual({
    python: join(root, version, 'bin/python3'),
    python3: join(root, version, 'bin/python3'),
  });
});

test('a Node that stands in a folder with other things is that one file', () => {
  const node = file('shared/bin/node');
  const found = findMacRuntimes({
    home: join(root, 'home'),
    path: join(root, 'shared/bin'),
    execPath: '/nowhere/x',
    forOthers: false,
  });
  expect(found).toMatchObject({
    folders: [],
    executables: [node],
    commands: { node },
    path: [],
  });
});

test('the Node of the server, if there is no other', () => {
  const node = file('somewhere/bin/node');
  const found = findMacRuntimes({ home: join(root, 'home'), path: '/nowhere', execPath: node, forOthers: false });
  expect(found.executables).toEqual([node]);
});

test('nothing of what is not there', () => {
  const found = findMacRuntimes({
    home: join(root, 'home'),
    path: 'relative:/nowhere',
    execPath: '/nowhere/x',
    forOthers: false,
  });
  expect(found).toEqual({ folders: [], executables: [], links: [], path: [], commands: {} });
});

test.each([
  ['/Library/Frameworks/Python.framework/Versions/3.12', ['/Library/Frameworks/Python.framework/Versions/3.12']],
  ['/Users/me/.pyenv/versions/3.12.1', ['/Users/me/.pyenv/versions/3.12.1']],
])('a runtime that is one folder needs just that: %s', (prefix, folders) => {
  expect(neededBy(prefix)).toEqual(folders);
});
