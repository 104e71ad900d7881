import { stat } from 'node:fs/promises';
import { SandboxError } from '@ergon/sandbox-core';
import type { SandboxMount } from '@ergon/sandbox-core';

/** Folders of images and of ours: a volume over one of them would take them away. */
const TAKEN = new Set(
  'bin boot dev etc home init layers lib lib32 lib64 libx32 media mnt opt output proc root run sbin solution srv sys tmp usr var volumes workspace'.split(
    ' ',
  ),
);

/**
 * Flat targets of their own only: `/name` or `/layers/name`, each once. Nothing is ever mounted below what a program can write.
 * @throws SandboxError SANDBOX008
 */
export function assertMountTargets(mounts: readonly SandboxMount[]): void {
  const seen = new Set<string>();
  for (const { target } of mounts) {
    const [, layer, name = ''] = /^\/(layers\/)?([A-Za-z0-9_][A-Za-z0-9_.-]{0,99})$/.exec(target) ?? [];
    if (name === '' || (layer === undefined && TAKEN.has(name)) || seen.has(target)) {
      const message = `"${target.slice(0, 200)}" can't be the target of a mount; it has to be "/name" or "/layers/name", and free.`;
      throw new SandboxError('SANDBOX008', message, { field: 'mounts' });
    }
    seen.add(target);
  }
}

/** @throws SandboxError SANDBOX008 for a folder that is not there */
export async function assertMountSources(mounts: readonly SandboxMount[]): Promise<void> {
  for (const { source, target } of mounts) {
    if (!('folder' in source)) continue;
    const isFolder = await stat(source.folder).then(
      (found) => found.isDirectory(),
      () => false, // whatever the reason, it can't be read
    );
    if (!isFolder) {
      throw new SandboxError('SANDBOX008', `The folder for the mount at ${target} does not exist.`, {
        field: 'mounts',
      });
    }
  }
}
