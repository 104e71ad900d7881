import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import type { DiskMeter } from '../run.js';
import { holdsWithin } from '../wait.js';
import type { MountHolder } from './holder.js';
import { DISK } from './stage.js';

/** A disk that is a filesystem of its own: the kernel keeps its limit, and says what it holds. */
export function imageDisk(holder: MountHolder, limitBytes: number): DiskMeter {
  return {
    watched: [],
    use: async () => {
      const { bsize, blocks, bfree, bavail, ffree } = await statfs(holder.visible(DISK));
      const usedBytes = (blocks - bfree) * bsize;
      const evidence =
        ffree === 0 ? 'its filesystem has no free inode' : `its filesystem is full at ${usedBytes} bytes`;
      const full = bavail < 4 || ffree === 0;
      return { usedBytes, hit: full ? { limit: 'disk', value: limitBytes, evidence } : null };
    },
  };
}

/** Waits until no loop device has the image: the mounts end with their namespaces, a moment after the processes. */
export async function imageIsFree(folder: string): Promise<void> {
  // A mount that has gone from every namespace shows its files' paths cut short: the end is enough, since it holds the sandbox's id.
  const end = `/${basename(folder)}/disk.img`;
  if (!(await holdsWithin(10_000, () => !isAttached(end)))) {
    throw new SandboxError('SANDBOX011', `A loop device still holds ${folder}/disk.img.`);
  }
}

function isAttached(end: string): boolean {
  return readdirSync('/sys/block').some((device) => {
    const file = `/sys/block/${device}/loop/backing_file`;
    if (!existsSync(file)) return false;
    try {
      return readFileSync(file, 'utf8')
        .trim()
        .replace(/ \(deleted\)$/, '')
        .endsWith(end);
    } catch (error) {
      if (['ENOENT', 'ENXIO', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? '')) return false; // detached meanwhile
      throw error;
    }
  });
}
