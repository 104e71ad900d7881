import type { SandboxConfig } from '@ergon/sandbox-core';
import { all } from './all.js';
import type { VolumeMount } from './container/config.js';
import { sizedVolumeOptions } from './disk/index.js';
import type { Engine } from './engine/engine.js';
import { nameOf } from './names.js';

/** The sandbox's folders. */
const FOLDERS = ['solution', 'workspace', 'output'] as const;
/** Those that programs write, and which together are the sandbox's disk. */
export const WRITABLE: readonly string[] = ['/workspace', '/output'];

/** A sandbox's volumes by where they are mounted. */
export function volumesOf({ sandboxId, mounts }: Pick<SandboxConfig, 'sandboxId' | 'mounts'>): Record<string, string> {
  return Object.fromEntries([
    ...FOLDERS.map((folder) => [`/${folder}`, nameOf(sandboxId, folder)]),
    ...mounts.map(({ target }, index) => [target, nameOf(sandboxId, `mount-${index}`)]),
  ]) as Record<string, string>;
}

export function mountsOf(volumes: Readonly<Record<string, string>>): VolumeMount[] {
  return Object.entries(volumes).map(([target, volume]) => ({
    volume,
    target,
    readOnly: !WRITABLE.includes(target),
  }));
}

/** @param bytes bound of each that is written, where the engine keeps one; what they hold together is watched as ever */
export async function makeVolumes(
  engine: Engine,
  volumes: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>>,
  bytes: number | null,
): Promise<void> {
  await all(
    Object.entries(volumes).map(([target, volume]) => {
      const options = bytes !== null && WRITABLE.includes(target) ? sizedVolumeOptions(bytes) : {};
      return engine.createVolume(volume, labels, options);
    }),
  );
}
