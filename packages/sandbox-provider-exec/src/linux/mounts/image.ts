import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { basename } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import type { LimitHit } from '@ergon/sandbox-core';
import type { DiskMeter } from '../../posix/counted-disk.js';
import { quote } from '../../posix/shell.js';
import { holdsWithin } from '../../posix/wait.js';
import type { MountHolder } from './holder.js';
import { DISK } from './stage.js';

const BYTES_PER_INODE = 8192;
const INODE_BYTES = 256;
/** What ext4 never gives out (at most 16 MiB), and its maps. */
const RESERVED_PART = 0.025;
/** A large write fails as a whole, with up to a megabyte still free. */
const SLACK_BYTES = 4 << 20;

/** Commands that make a disk in an image file and mount it. The file is sparse: it takes what is written into it. */
export function imageCommands(image: string, limitBytes: number, target: string): string[] {
  const size = Math.ceil(limitBytes * (1 + INODE_BYTES / BYTES_PER_INODE + RESERVED_PART)) + SLACK_BYTES;
  const format = `-b 4096 -i ${BYTES_PER_INODE} -I ${INODE_BYTES} -m 0 -O ^has_journal,^resize_inode -E nodiscard,root_owner=0:0`;
  return [
    `truncate -s ${size} ${quote(image)}`,
    `mkfs.ext4 -q -F ${format} ${quote(image)}`,
    `mount -o loop,nosuid,nodev,noinit_itable ${quote(image)} ${target}`,
  ];
}

/**
 * A disk that is a filesystem of its own. A little more than the limit fits, so that all of the limit does; what goes beyond the
 * kernel refuses. That the limit was reached is looked for ten times a second, and at the end.
 */
export function imageDisk(holder: MountHolder, limitBytes: number): DiskMeter {
  let hit: LimitHit | null = null;
  const use = async (): Promise<{ usedBytes: number; hit: LimitHit | null }> => {
    const { bsize, blocks, bfree, ffree } = await statfs(holder.visible(DISK));
    const usedBytes = (blocks - bfree) * bsize;
    const evidence = ffree === 0 ? 'its filesystem has no free inode' : `${usedBytes} bytes of its filesystem in use`;
    if (usedBytes >= limitBytes || ffree === 0) hit = { limit: 'disk', value: limitBytes, evidence };
    return { usedBytes, hit };
  };
  const look = async (): Promise<null> => {
    await use();
    return null; // the program is told by the kernel, and goes on
  };
  return { watched: [{ look }], use };
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
