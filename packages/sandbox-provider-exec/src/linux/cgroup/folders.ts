import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import { killIfPresent } from '../../posix/kill.js';
import { holdsWithin } from '../../posix/wait.js';

/** With those above it, of which a shared one may be removed by another server between our making it and using it. */
export function makeFolder(folder: string): void {
  againIfGone(() => mkdirSync(folder, { recursive: true }));
}

/** Without those above it. */
export function makeOne(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

export function againIfGone(make: () => void): void {
  for (let attempt = 1; ; attempt++) {
    try {
      make();
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOENT' && code !== 'ENODEV') || attempt === 5) throw error;
    }
  }
}

/** Ends what is left in a group, and removes it. Throws SANDBOX011 when that does not come true. */
export async function removeFolder(folder: string): Promise<void> {
  const gone = await holdsWithin(10_000, () => {
    killAllIn(folder);
    return removeIfEmpty(folder);
  });
  if (!gone) throw new SandboxError('SANDBOX011', `The processes in ${folder} could not be ended.`);
}

/** v2 has a file for it since Linux 5.14, which forks do not outrun. */
function killAllIn(folder: string): void {
  const kill = join(folder, 'cgroup.kill');
  if (existsSync(kill)) orIfGone(() => writeFileSync(kill, '1'), undefined);
  else for (const pid of processesIn(folder)) killIfPresent(pid, 'SIGKILL');
}

/** True when it is gone. A group counts as busy for a moment after its last process. */
export function removeIfEmpty(folder: string): boolean {
  if (!existsSync(folder)) return true; // asked first: where all is read-only, rmdir says so also of what is not there
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
    throw error;
  }
}

export function processesIn(folder: string): number[] {
  return orIfGone(() => numbers(readFileSync(join(folder, 'cgroup.procs'), 'utf8')), []);
}

export function subfolders(folder: string): string[] {
  const entries = orIfGone(() => readdirSync(folder, { withFileTypes: true }), []);
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

function numbers(text: string): number[] {
  return text.split('\n').flatMap((line) => (line === '' ? [] : [Number(line)]));
}

function orIfGone<Value>(look: () => Value, otherwise: Value): Value {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENODEV') return otherwise;
    throw error;
  }
}
