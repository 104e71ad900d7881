import { readlinkSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { hasErrorCode } from '@ergon/sandbox-core';

/** Every folder above these paths but the root, each once, the nearest to the root first. */
export function ancestorsOf(paths: readonly string[]): string[] {
  const found = new Set<string>();
  for (const path of paths) {
    for (let folder = dirname(path); folder !== '/' && !found.has(folder); folder = dirname(folder)) found.add(folder);
  }
  return [...found].sort((a, b) => a.split('/').length - b.split('/').length || (a < b ? -1 : 1));
}

/** The name by which the kernel knows it, with the case and the form that its filesystem keeps: profiles match no other. */
export function realPath(path: string): string {
  return realpathSync.native(path);
}

/** The kernel follows no more (MAXSYMLINKS). */
const MOST_LINKS = 32;

/** Links by which `path` is reached, each by the real name of its folder; ends where a name leads no further. */
export function linkHops(path: string): string[] {
  const hops = new Set<string>();
  let here = '/';
  const ahead = path.split('/');
  for (let followed = 0; followed <= MOST_LINKS && ahead.length > 0;) {
    const next = join(here, ahead.shift() ?? '');
    const target = linkTarget(next);
    if (target === null) here = next;
    else {
      followed++;
      hops.add(next);
      ahead.unshift(...target.split('/'));
      if (isAbsolute(target)) here = '/';
    }
  }
  return [...hops];
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    // No link, or nothing that we could follow.
    if (['EINVAL', 'ENOENT', 'ENOTDIR', 'EACCES'].some((code) => hasErrorCode(error, code))) return null;
    throw error;
  }
}
