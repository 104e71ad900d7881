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

/** Links by which `path` is reached, each by the real name of its folder; ends where a name leads no further. */
export function linkHops(path: string): string[] {
  const hops: string[] = [];
  const walk = (whole: string): void => {
    let here = '/';
    for (const part of whole.split('/').filter((word) => word !== '')) {
      const next = join(here, part);
      const target = linkTarget(next);
      if (target === null) {
        here = next;
        continue;
      }
      if (hops.includes(next) || hops.length > 40) return; // a loop, or more than the kernel follows (MAXSYMLINKS is 32)
      hops.push(next);
      const led = isAbsolute(target) ? target : join(here, target);
      walk(led);
      here = realPath(led);
    }
  };
  walk(path);
  return hops;
}

function linkTarget(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (hasErrorCode(error, 'EINVAL') || hasErrorCode(error, 'ENOENT')) return null; // no link, or nothing
    throw error;
  }
}
