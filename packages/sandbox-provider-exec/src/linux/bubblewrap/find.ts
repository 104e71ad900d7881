import { realpathSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, relative } from 'node:path';

/** Ubuntu's AppArmor exception names this path, so it comes before any other. */
const PREFERRED = '/usr/bin/bwrap';

export const OLDEST_BUBBLEWRAP = '0.8.0';

/**
 * Where bubblewrap could be: the system's own, then the server's PATH. A relative entry, or one inside the working folder, is not
 * looked at: a program put there would run as the server.
 */
export function bubblewrapCandidates(path: string, workingFolder: string): string[] {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder) && !isWithin(folder, workingFolder));
  return [...new Set([PREFERRED, ...folders.map((folder) => join(folder, 'bwrap'))])];
}

/** The first candidate that is a file outside of the working folder, wherever links lead. */
export function findBubblewrap(
  candidates: readonly string[],
  workingFolder: string,
): { path: string; setuid: boolean } | null {
  for (const candidate of candidates) {
    try {
      const path = realpathSync(candidate);
      const stat = statSync(path);
      if (!stat.isFile() || (stat.mode & 0o111) === 0 || isWithin(path, workingFolder)) continue;
      return { path: candidate, setuid: (stat.mode & 0o4000) !== 0 };
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return null;
}

function isWithin(path: string, folder: string): boolean {
  if (folder === '/') return false; // a service's usual working folder says nothing about who may write below it
  const below = relative(folder, path);
  return below === '' || !(below.startsWith('..') || isAbsolute(below));
}

/** `bubblewrap 0.8.0` → [0, 8, 0]; null for anything else. */
export function parseVersion(text: string): readonly number[] | null {
  const match = /^bubblewrap (\d+)\.(\d+)\.(\d+)/.exec(text);
  return match === null ? null : match.slice(1).map(Number);
}

export function isOlder(version: readonly number[], than: string): boolean {
  const other = than.split('.').map(Number);
  for (const [index, part] of other.entries()) {
    const own = version[index] ?? 0;
    if (own !== part) return own < part;
  }
  return false;
}
