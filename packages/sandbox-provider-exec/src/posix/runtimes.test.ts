import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findPrefix, node, python, type RuntimeSearch } from './runtimes.js';

let home: string;
let search: RuntimeSearch;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ergon-home-'));
  search = { home, path: '/nowhere', execPath: '/usr/bin/node', forOthers: true };
});
afterEach(() => {
  rmSync(home, { recursive: true });
});
function file(path: string, text = '\x7fELF'): string {
  const at = join(home, path);
  mkdirSync(dirname(at), { recursive: true, mode: 0o755 });
  writeFileSync(at, text);
  chmodSync(at, 0o755);
  return at;
}
function interpreter(prefix: string): string {
  file(`${prefix}/lib/python3.99/os.py`);
  return file(`${prefix}/bin/python3`);
}

test('the newest version that a manager keeps is taken', () => {
  for (const version of ['3.9.1', '3.99.0', '3.100.2']) interpreter(`.pyenv/versions/${version}`);
  expect(findPrefix(python, search)).toBe(join(home, '.pyenv/versions/3.100.2'));
});

test('what is on PATH comes first, by where its links lead', () => {
  interpreter('.pyenv/versions/3.99.0');
  mkdirSync(join(home, '.local/bin'), { recursive: true });
  symlinkSync(interpreter('.local/share/uv/python/cpython-3.98'), join(home, '.local/bin/python3'));
  expect(findPrefix(python, { ...search, path: join(home, '.local/bin') })).toBe(
    join(home, '.local/share/uv/python/cpython-3.98'),
  );
});

test('without a home what is on PATH is found, and the Node that runs the server', () => {
  file('tools/node-98/include/node/node.h');
  const execPath = file('tools/node-98/bin/node');
  const nobody = { ...search, home: null, execPath };
  interpreter('python-99');
  expect(findPrefix(python, nobody)).toBeNull();
  expect(findPrefix(python, { ...nobody, path: join(home, 'python-99/bin') })).toBe(join(home, 'python-99'));
  expect(findPrefix(node, nobody)).toBe(join(home, 'tools/node-98'));
});

test('a shim is not followed, its version is found', () => {
  file('.pyenv/shims/python3', '#!/usr/bin/env bash\nexec pyenv exec python3 "$@"\n');
  interpreter('.pyenv/versions/3.99.0');
  expect(findPrefix(python, { ...search, path: join(home, '.pyenv/shims') })).toBe(
    join(home, '.pyenv/versions/3.99.0'),
  );
});

test('nvm, and the Node that runs the server', () => {
  file('.nvm/versions/node/v99.1.0/include/node/node.h');
  file('.nvm/versions/node/v99.1.0/bin/node');
  expect(findPrefix(node, search)).toBe(join(home, '.nvm/versions/node/v99.1.0'));
  file('tools/node-98/include/node/node.h');
  const execPath = file('tools/node-98/bin/node');
  rmSync(join(home, '.nvm'), { recursive: true });
  expect(findPrefix(node, { ...search, execPath })).toBe(join(home, 'tools/node-98'));
});

test('a home, ~/.local and folders without the marks of a runtime are never bound', () => {
  interpreter('.');
  interpreter('.local');
  file('project/bin/python3');
  const path = ['bin', '.local/bin', 'project/bin'].map((folder) => join(home, folder)).join(':');
  expect(findPrefix(python, { ...search, path })).toBeNull();
});

test('a runtime that only its owner may read is of no use to the users of a root server', () => {
  interpreter('.pyenv/versions/3.99.0');
  chmodSync(join(home, '.pyenv/versions/3.99.0'), 0o700);
  expect(findPrefix(python, search)).toBeNull();
  expect(findPrefix(python, { ...search, forOthers: false })).toBe(join(home, '.pyenv/versions/3.99.0'));
});
