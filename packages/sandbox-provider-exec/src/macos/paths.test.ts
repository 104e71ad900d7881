import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ancestorsOf, linkHops, realPath } from './paths.js';

let folder: string;
beforeEach(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), 'ergon-paths-')))));
afterEach(() => rmSync(folder, { recursive: true }));

test('ancestors are each there once, without the root', () => {
  expect(ancestorsOf(['/a/b/c', '/a/d', '/x'])).toEqual(['/a', '/a/b']);
  expect(ancestorsOf([])).toEqual([]);
});

test('the real name is one without links, as /tmp is /private/tmp', () => {
  mkdirSync(join(folder, 'private'));
  symlinkSync('private', join(folder, 'tmp'));
  expect(realPath(join(folder, 'tmp'))).toBe(join(folder, 'private'));
});

test('every link on the way is found: in the midst, relative, absolute, and those that links lead to', () => {
  mkdirSync(join(folder, 'Cellar/python/bin'), { recursive: true });
  mkdirSync(join(folder, 'bin'));
  symlinkSync('python', join(folder, 'Cellar/current'));
  symlinkSync('../Cellar/current/bin/python3', join(folder, 'bin/python3'));
  symlinkSync(join(folder, 'bin'), join(folder, 'shims'));
  symlinkSync('/bin/sh', join(folder, 'Cellar/python/bin/python3'));
  const hops = linkHops(join(folder, 'shims/python3'));
  expect(hops.slice(0, 4)).toEqual([
    join(folder, 'shims'),
    join(folder, 'bin/python3'),
    join(folder, 'Cellar/current'),
    join(folder, 'Cellar/python/bin/python3'),
  ]);
});

test('a path without links, or that leads nowhere, has none', () => {
  expect(linkHops(join(folder, 'nothing/here'))).toEqual([]);
});

test('links in a circle end', () => {
  symlinkSync('b', join(folder, 'a'));
  symlinkSync('a', join(folder, 'b'));
  expect(linkHops(join(folder, 'a'))).toEqual([join(folder, 'a'), join(folder, 'b')]);
});
