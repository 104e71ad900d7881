import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** CPUs that this process may run on (Cpus_allowed_list of proc(5)). */
export function ownCpus(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return parseCpuList(list);
}

/** `0-2,5` → [0, 1, 2, 5] */
export function parseCpuList(list: string): number[] {
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** A list for taskset(1) of as many CPUs as give this much time, from a random one on so that sandboxes spread. */
export function someCpus(allowed: readonly number[], cpus: number): string {
  const start = randomInt(allowed.length);
  const count = Math.min(allowed.length, Math.ceil(cpus));
  return Array.from({ length: count }, (_, index) => allowed[(start + index) % allowed.length]).join(',');
}
