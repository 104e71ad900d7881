import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import type { SandboxMount } from '@ergon/sandbox-core';
import type { Runtime } from '../runtimes/runtime.js';

/** Each is a mount of the kernel's for every launch. */
const MAX_MOUNTS = 64;

/** What a sandbox has at its top already, and what other sandboxes may come to have. */
const TAKEN = new Set(
  'bin boot dev etc home init layers lib lib32 lib64 libx32 media mnt newroot oldroot opt output proc root run runtimes sbin solution srv sys tmp usr var workspace'.split(
    ' ',
  ),
);

/** A mount, with the name of the folder by which we keep it. */
export interface NamedMount extends Runtime {
  /** Null: `source` is a folder that is there. Else it is one of ours, and this fills it. */
  readonly archive: (() => AsyncIterable<Uint8Array>) | null;
}

/**
 * Flat targets of their own only: `/name` or `/layers/name`. Nothing is ever mounted below what a program can write, or below another.
 * @param folder holds what is unpacked of archives
 * @throws SandboxError SANDBOX008
 */
export function namedMounts(mounts: readonly SandboxMount[], folder: string): NamedMount[] {
  if (mounts.length > MAX_MOUNTS) throw refused(`there may be at most ${MAX_MOUNTS}`);
  const targets = new Set<string>();
  return mounts.map(({ source, target }, index) => {
    const [, layer, name = ''] = /^\/(layers\/)?([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})$/.exec(target) ?? [];
    if (name === '' || (layer === undefined && TAKEN.has(name))) {
      throw refused(`"${target.slice(0, 200)}" can't be a target; it has to be "/name" or "/layers/name", and free`);
    }
    if (targets.has(target)) throw refused(`two have the target ${target}`);
    targets.add(target);
    const kept = `mount-${index}`;
    if ('archive' in source) return { name: kept, source: join(folder, kept), target, archive: source.archive };
    if (!isAbsolute(source.folder)) throw refused(`the folder for ${target} has no absolute path`);
    return { name: kept, source: source.folder, target, archive: null };
  });
}

/** @throws SandboxError SANDBOX008 */
export async function requireSources(mounts: readonly NamedMount[]): Promise<void> {
  for (const { source, target, archive } of mounts) {
    if (archive !== null) continue;
    const isFolder = await stat(source).then(
      (found) => found.isDirectory(),
      () => false, // whatever the reason, it can't be mounted
    );
    if (!isFolder) throw refused(`the folder for ${target} does not exist`);
  }
}

function refused(why: string): SandboxError {
  return new SandboxError('SANDBOX008', `mounts: ${why}.`, { field: 'mounts' });
}
