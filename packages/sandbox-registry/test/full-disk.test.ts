import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

test('on a full disk a store is refused with a sentence, and what was stored before is all there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'registry-full-'));
  // A file system of 4 MiB, for this process alone.
  const script = 'mount -t tmpfs -o size=4m tmpfs "$2" && exec "$0" "$1" "$2/registry.db"';
  const filler = join(__dirname, 'filler.mjs');
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['--user', '--map-root-user', '--mount', 'sh', '-c', script, process.execPath, filler, folder],
    { encoding: 'utf8', timeout: 60_000 },
  );
  rmdirSync(folder);
  expect(stderr).toBe('');
  const { failure, stored, kept } = JSON.parse(stdout) as Record<'stored' | 'kept', string[]> & { failure: unknown };
  expect(failure).toEqual({
    code: 'SANDBOX004',
    message: 'The disk that has the registry is full; nothing was stored.',
  });
  expect(stored.length).toBeGreaterThan(5);
  expect(kept).toEqual(stored);
});
