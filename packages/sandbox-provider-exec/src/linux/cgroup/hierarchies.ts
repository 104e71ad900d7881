import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** The controllers of cgroup v1 that a sandbox needs. */
export const controllers = ['memory', 'pids', 'cpu', 'cpuacct'] as const;
export type Controller = (typeof controllers)[number];

/** For each controller the folder of this process's own group; controllers mounted together share one. */
export type Hierarchies = Readonly<Record<Controller, string>>;

/**
 * Where this process stands in the v1 hierarchies, from the texts of /proc/self/mountinfo (proc(5)) and /proc/self/cgroup
 * (cgroups(7)). Null unless every controller that we need is mounted as v1.
 */
export function parseHierarchies(mountinfo: string, cgroup: string): Hierarchies | null {
  const own = new Map<string, string>();
  for (const line of lines(cgroup)) {
    const [, names = '', ...path] = line.split(':');
    for (const name of names.split(',')) own.set(name, path.join(':'));
  }
  const found: Partial<Record<Controller, string>> = {};
  for (const line of lines(mountinfo)) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root = '/', mountPoint = ''] = left.split(' ').map(unescape);
    const [type, , options = ''] = right.split(' ');
    if (type !== 'cgroup') continue;
    for (const controller of controllers) {
      const path = own.get(controller);
      if (path === undefined || !options.split(',').includes(controller)) continue;
      const below = relative(root, path); // a container sees its hierarchy from a root that is not the top
      if (!below.startsWith('..')) found[controller] ??= join(mountPoint, below);
    }
  }
  const { memory, pids, cpu, cpuacct } = found;
  return memory && pids && cpu && cpuacct ? { memory, pids, cpu, cpuacct } : null;
}

export function ownHierarchies(): Hierarchies | null {
  return parseHierarchies(readFileSync('/proc/self/mountinfo', 'utf8'), readFileSync('/proc/self/cgroup', 'utf8'));
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** mountinfo writes space, tab, newline and backslash as octal escapes. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
