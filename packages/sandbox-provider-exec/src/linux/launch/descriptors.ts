import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import type { StdioOptions } from 'node:child_process';

/** O_CLOEXEC in the octal flags of /proc/<pid>/fdinfo. */
const CLOSE_ON_EXEC = 0o2000000;

/** Descriptors of this process that a child would inherit (from what started the server, or a native module). */
export function leakedDescriptors(): number[] {
  return readdirSync('/proc/self/fdinfo')
    .map(Number)
    .filter((fd) => fd > 2 && !closesOnExec(fd))
    .sort((a, b) => a - b);
}

function closesOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return (Number.parseInt(flags ?? '0', 8) & CLOSE_ON_EXEC) !== 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true; // it was the listing's own
    throw error;
  }
}

type Stdio = Extract<StdioOptions, readonly unknown[]>;

/** Lets `start` spawn with an open /dev/null in place of each leaked descriptor: 'ignore' does nothing for them. */
export function coveringLeaks<Child>(stdio: Stdio, start: (stdio: Stdio) => Child): Child {
  const leaked = leakedDescriptors().filter((fd) => fd >= stdio.length);
  if (leaked.length === 0) return start(stdio);
  const devNull = openSync('/dev/null', 'r+');
  try {
    const covered: Stdio = [...stdio];
    for (const fd of leaked) {
      while (covered.length < fd) covered.push('ignore');
      covered[fd] = devNull;
    }
    return start(covered);
  } finally {
    closeSync(devNull);
  }
}
