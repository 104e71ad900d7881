import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hasErrorCode } from '../contract/error.js';

/**
 * The name of this start of a server, `<boot>-<pid>-<start>-<random>`: whoever finds it on a folder or a cgroup can tell whether its maker
 * lives.
 */
export function newInstanceId(): string {
  const start = processStart(process.pid);
  if (start === null) throw new Error('this process is not in the process table');
  return [bootId(), process.pid, start, randomBytes(2).toString('hex')].join('-');
}

/**
 * Whether the process of an instance is still there. Null: that can't be told from here, because it is no such name, or because it was
 * given at another boot, on another machine, or in another pid namespace.
 */
export function isInstanceAlive(instanceId: string): boolean | null {
  const match = /^([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{4}$/.exec(instanceId);
  if (match === null) return null;
  const [, boot, pid, start] = match;
  return boot === bootId() ? start === processStart(Number(pid)) : null;
}

/**
 * Eight digits for where pids mean what they mean here: this boot (random(4), `boot_id`; sysctl `kern.boottime` on macOS) and this pid
 * namespace (pid_namespaces(7)).
 */
function bootId(): string {
  const scope =
    process.platform === 'linux'
      ? `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')} ${readlinkSync('/proc/self/ns/pid')}`
      : execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' });
  return createHash('sha256').update(scope).digest('hex').slice(0, 8);
}

/** When a process began: clock ticks since the boot (proc(5), field 22 of `stat`); on macOS the seconds of `ps -o lstart`. */
function processStart(pid: number): string | null {
  if (process.platform !== 'linux') {
    try {
      const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
      return String(Date.parse(text.trim()) / 1000);
    } catch {
      return null; // ps fails when there is no such process
    }
  }
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    // The command's name, in parentheses, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ESRCH')) return null;
    throw error;
  }
}
