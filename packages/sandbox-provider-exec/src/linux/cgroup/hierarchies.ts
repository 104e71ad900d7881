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
  const own = ownPaths(cgroup);
  const found: Partial<Record<Controller, string>> = {};
  for (const mount of mounts(mountinfo, 'cgroup')) {
    for (const controller of controllers) {
      const path = own.get(controller);
      if (path === undefined || !mount.options.split(',').includes(controller)) continue;
      const folder = folderIn(mount, path);
      if (folder !== null) found[controller] ??= folder;
    }
  }
  const { memory, pids, cpu, cpuacct } = found;
  return memory && pids && cpu && cpuacct ? { memory, pids, cpu, cpuacct } : null;
}

/** Where this process stands in the one hierarchy of v2. */
export interface Unified {
  /** The top that is seen here: of the machine, or of a container. */
  readonly top: string;
  /** The folder of this process's own group. */
  readonly own: string;
}

/** As `parseHierarchies`, of v2. Null where it is not mounted, or the own group lies outside of what is. */
export function parseUnified(mountinfo: string, cgroup: string): Unified | null {
  const path = ownPaths(cgroup).get('');
  if (path === undefined) return null;
  for (const mount of mounts(mountinfo, 'cgroup2')) {
    const own = folderIn(mount, path);
    if (own !== null) return { top: mount.mountPoint, own };
  }
  return null;
}

/** Where a process stands, from the text of its /proc/self/cgroup. With v1's controllers there is a v2 hierarchy without any: v1 comes first. */
export function groupsOf(cgroup: string): { readonly v1: Hierarchies | null; readonly v2: Unified | null } {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  const v1 = parseHierarchies(mountinfo, cgroup);
  return { v1, v2: v1 === null ? parseUnified(mountinfo, cgroup) : null };
}

/** Of this process. */
export function ownGroups(): ReturnType<typeof groupsOf> {
  return groupsOf(readFileSync('/proc/self/cgroup', 'utf8'));
}

/** Of /proc/self/cgroup: the path by the name of each controller of v1, and by '' that of v2. */
function ownPaths(cgroup: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of lines(cgroup)) {
    const [, names = '', ...path] = line.split(':');
    for (const name of names.split(',')) own.set(name, path.join(':'));
  }
  return own;
}

interface Mount {
  readonly root: string;
  readonly mountPoint: string;
  /** Of the filesystem. */
  readonly options: string;
}

function mounts(mountinfo: string, wanted: string): Mount[] {
  return lines(mountinfo).flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root = '/', mountPoint = ''] = left.split(' ').map(unescape);
    const [type, , options = ''] = right.split(' ');
    return type === wanted ? [{ root, mountPoint, options }] : [];
  });
}

/** A container sees its hierarchy from a root that is not the top. Null: the path is not below it. */
function folderIn({ root, mountPoint }: Mount, path: string): string | null {
  const below = relative(root, path);
  return below.startsWith('..') ? null : join(mountPoint, below);
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** mountinfo writes space, tab, newline and backslash as octal escapes. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
