import { readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';

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

/** A server that is started again may stand in other groups than the one that it cleans up after. */
const RECORD = 'cgroups.json';

/** Writes down, in a sandbox's folder, below which groups its own will be. */
export function recordHierarchies(folder: string, hierarchies: Hierarchies): void {
  writeFileSync(join(folder, RECORD), JSON.stringify(hierarchies));
}

/** Null: none are written down, or not to the end, in which case no group was made. */
export function recordedHierarchies(folder: string): Hierarchies | null {
  try {
    const found: unknown = JSON.parse(readFileSync(join(folder, RECORD), 'utf8'));
    return isHierarchies(found) ? found : null;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function isHierarchies(value: unknown): value is Hierarchies {
  if (typeof value !== 'object' || value === null) return false;
  const folders = new Map(Object.entries(value) as [string, unknown][]);
  return controllers.every((controller) => {
    const folder = folders.get(controller);
    return typeof folder === 'string' && isAbsolute(folder);
  });
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** mountinfo writes space, tab, newline and backslash as octal escapes. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
