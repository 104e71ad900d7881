import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bubblewrapCandidates, findBubblewrap, isOlder, parseVersion } from './find.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ergon-find-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});
function program(...parts: string[]): string {
  const path = join(folder, ...parts);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '');
  chmodSync(path, 0o755);
  return path;
}

test("the system's own comes first, then the absolute folders of PATH outside of the working folder", () => {
  const path = '.:bin::/opt/tools:/work/project:/work/project/node_modules/.bin:/usr/bin:/work/projects';
  expect(bubblewrapCandidates(path, '/work/project')).toEqual([
    '/usr/bin/bwrap',
    '/opt/tools/bwrap',
    '/work/projects/bwrap',
  ]);
  expect(bubblewrapCandidates('/opt/tools', '/')).toEqual(['/usr/bin/bwrap', '/opt/tools/bwrap']);
});

test('the first that is an executable file is found', () => {
  mkdirSync(join(folder, 'a', 'bwrap'), { recursive: true });
  const notExecutable = program('b', 'bwrap');
  chmodSync(notExecutable, 0o644);
  const found = program('c', 'bwrap');
  const candidates = ['nowhere', 'a', 'b', 'c'].map((name) => join(folder, name, 'bwrap'));
  expect(findBubblewrap(candidates, '/work')).toEqual({ path: found, setuid: false });
  expect(findBubblewrap(candidates.slice(0, 3), '/work')).toBeNull();
});

test('a link that leads into the working folder is not followed', () => {
  const planted = program('project', 'bwrap');
  mkdirSync(join(folder, 'bin'));
  symlinkSync(planted, join(folder, 'bin', 'bwrap'));
  const candidates = [join(folder, 'bin', 'bwrap')];
  expect(findBubblewrap(candidates, join(folder, 'project'))).toBeNull();
  expect(findBubblewrap(candidates, '/work')).toEqual({ path: candidates[0], setuid: false });
});

test('the setuid bit is seen', () => {
  const path = program('bwrap');
  chmodSync(path, 0o4755);
  expect(findBubblewrap([path], '/work')).toEqual({ path, setuid: true });
});

test('versions', () => {
  expect(parseVersion('bubblewrap 0.8.0\n')).toEqual([0, 8, 0]);
  expect(parseVersion('bubblewrap 0.11.0-rc1')).toEqual([0, 11, 0]);
  expect(parseVersion('hello')).toBeNull();
  const older = ['0.7.9', '0.8.0', '0.8.1', '0.10.0', '1.0.0'].map((text) =>
    isOlder(text.split('.').map(Number), '0.8.0'),
  );
  expect(older).toEqual([true, false, false, false, false]);
});
