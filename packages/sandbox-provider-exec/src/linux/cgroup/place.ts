import { readFileSync, writeFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { controllers, ownGroups, type Controller, type Hierarchies } from './hierarchies.js';
import { layoutV1, layoutV2, type GroupLayout } from './layout.js';
import { parentFor } from './unified.js';

/** Below what groups are made: in v2 one folder, in v1 one of each controller. */
export type CgroupPlace =
  { readonly version: 1; readonly hierarchies: Hierarchies } | { readonly version: 2; readonly parent: string };

/** Where groups of servers that stood as this one does would be, whether there are any or not. */
export function ownPlaces(): CgroupPlace[] {
  const { v1, v2 } = ownGroups();
  if (v1 !== null) return process.getuid?.() === 0 ? [{ version: 1, hierarchies: v1 }] : [];
  if (v2 === null) return [];
  return [...new Set([parentFor(v2.own), v2.top])].map((parent) => ({ version: 2, parent }));
}

/** All groups of ours are below folders of this name. */
const OURS = 'ergon-sandbox';

/** The folders that hold the groups of all instances. */
export function topFolders(place: CgroupPlace): string[] {
  const parents = place.version === 1 ? [...new Set(Object.values(place.hierarchies))] : [place.parent];
  return parents.map((parent) => join(parent, OURS));
}

/** The group `<place>/ergon-sandbox/<instanceId>/<name>`. */
export function layoutOf(place: CgroupPlace, instanceId: string, name: string): GroupLayout {
  const below = (parent: string): string => join(parent, OURS, instanceId, name);
  if (place.version === 2) return layoutV2(below(place.parent));
  const { memory, pids, cpu, cpuacct } = place.hierarchies;
  return layoutV1({ memory: below(memory), pids: below(pids), cpu: below(cpu), cpuacct: below(cpuacct) });
}

/** A server that is started again may stand in other groups than the one that it cleans up after. */
const RECORD = 'cgroups.json';

/** Writes down, in a sandbox's folder, below what its groups will be. */
export function recordPlace(folder: string, place: CgroupPlace): void {
  writeFileSync(join(folder, RECORD), JSON.stringify(place));
}

/** Null: none is written down, or not to the end, in which case no group was made. */
export function recordedPlace(folder: string): CgroupPlace | null {
  try {
    return parsePlace(JSON.parse(readFileSync(join(folder, RECORD), 'utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function parsePlace(value: unknown): CgroupPlace | null {
  const { version, hierarchies, parent } = fieldsOf(value);
  if (version === 2) return isFolder(parent) ? { version, parent } : null;
  if (version !== 1) return null;
  const folders = fieldsOf(hierarchies);
  const [memory, pids, cpu, cpuacct] = controllers.map((controller: Controller) => folders[controller]);
  if (!isFolder(memory) || !isFolder(pids) || !isFolder(cpu) || !isFolder(cpuacct)) return null;
  return { version, hierarchies: { memory, pids, cpu, cpuacct } };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function isFolder(value: unknown): value is string {
  return typeof value === 'string' && isAbsolute(value);
}
