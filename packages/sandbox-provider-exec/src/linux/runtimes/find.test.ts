import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findRuntimes } from './find.js';

test('what is in /usr is used from there, and nothing of a home is bound for it', () => {
  const home = mkdtempSync(join(tmpdir(), 'ergon-home-'));
  const prefix = join(home, '.pyenv/versions/3.99.0');
  mkdirSync(join(prefix, 'lib/python3.99'), { recursive: true });
  mkdirSync(join(prefix, 'bin'));
  writeFileSync(join(prefix, 'bin/python3'), '\x7fELF');
  chmodSync(join(prefix, 'bin/python3'), 0o755);
  const found = findRuntimes({ home, path: '/nowhere', execPath: '/usr/bin/node', forOthers: true });
  rmSync(home, { recursive: true });
  expect(found.names).toContain('python');
  expect(found.bound.map(({ name }) => name)).not.toContain('python');
});
