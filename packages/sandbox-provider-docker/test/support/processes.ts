import { readdirSync, readFileSync } from 'node:fs';
import { hasErrorCode } from '@ergon/sandbox-core';

/** What is read of a process; an end meanwhile leaves nothing to read. */
function unlessEnded<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ESRCH')) return [];
    throw error;
  }
}

/** A process's descendants. */
export function processesBelow(pid: number): number[] {
  const children = unlessEnded(() => readdirSync(`/proc/${pid}/task`)).flatMap((task) =>
    unlessEnded(() =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    ),
  );
  return children.flatMap((child) => [child, ...processesBelow(child)]);
}

/** The words of a process's command line; none if it has ended. */
export function commandLine(pid: number): string[] {
  return unlessEnded(() => readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0'));
}

/** To each of them, unless it has ended meanwhile: an engine has helpers that come and go. */
export function signalAll(pids: readonly number[], signal: 'SIGSTOP' | 'SIGCONT'): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!hasErrorCode(error, 'ESRCH')) throw error;
    }
  }
}
