import { stat, statfs } from 'node:fs/promises';
import { HOME } from '../bubblewrap/arguments.js';
import { readProc } from '../processes.js';
import { tasksOf, unnamedFiles } from './open-files.js';

/**
 * Bytes that a sandbox's processes have in memory: their own, and files that are memory, which are there mapped or not. Null: none of
 * the processes was there any more.
 */
export async function memoryInUse(initPid: number, pids: readonly number[]): Promise<number | null> {
  const files = new FilesInMemory();
  for (const folder of ['/tmp', '/dev/shm', HOME]) await files.addFolder(initPid, folder);
  files.addUnnamed(pids);
  const mapped = pids.flatMap((pid) => mappedBytes(pid, files) ?? []);
  return mapped.length === 0 ? null : mapped.reduce((a, b) => a + b, files.bytes);
}

class FilesInMemory {
  bytes = 0;
  /** By the names of /proc/<pid>/smaps: `device` of a filesystem, or `device inode` of a file. */
  readonly #counted = new Set<string>();

  /** A tmpfs. An inode takes about a kilobyte. */
  async addFolder(initPid: number, folder: string): Promise<void> {
    const path = `/proc/${initPid}/root${folder}`;
    try {
      const { bsize, blocks, bfree, files, ffree } = await statfs(path);
      this.#counted.add(deviceName((await stat(path)).dev));
      this.bytes += (blocks - bfree) * bsize + (files - ffree) * 1024;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      const ended = ['ENOENT', 'ESRCH'].includes(code) || (code === 'EACCES' && isWithoutMemory(initPid));
      if (!ended) throw error;
    }
  }

  /** What memfd_create makes. */
  addUnnamed(pids: readonly number[]): void {
    for (const { path, device, inode, bytes } of unnamedFiles(pids)) {
      if (!path.startsWith('/memfd:')) continue;
      this.#counted.add(`${deviceName(device)} ${inode}`);
      this.bytes += bytes;
    }
  }

  has(device: string, inode: string): boolean {
    return this.#counted.has(device) || this.#counted.has(`${device} ${inode}`);
  }
}

/** It is ending, or has ended: of an init that nobody may read, its folders are open to no one from then on. */
function isWithoutMemory(pid: number): boolean {
  return (readProc(`${pid}/statm`) ?? '0 ').startsWith('0 ');
}

/** Memory of a process with its share of what it shares, without files that are counted as such. */
function mappedBytes(pid: number, files: FilesInMemory): number | null {
  for (const task of tasksOf(pid)) {
    const rollup = readProc(`${task}/smaps_rollup`) ?? '';
    const pss = kilobytes('Pss', rollup);
    if (pss === null) continue;
    const counted = kilobytes('Pss_Shmem', rollup) === 0 ? 0 : countedKilobytes(readProc(`${task}/smaps`) ?? '', files);
    return (pss - counted) * 1024;
  }
  return null;
}

/** A private mapping's changed pages ("Anonymous") are the process's own, whatever file is below. */
function countedKilobytes(smaps: string, files: FilesInMemory): number {
  let sum = 0;
  for (const mapping of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const [, device = '', inode = ''] = /^\S+ \S+ \S+ (\S+) (\d+)/.exec(mapping) ?? [];
    if (!files.has(device, inode)) continue;
    sum += Math.max(0, (kilobytes('Pss', mapping) ?? 0) - (kilobytes('Anonymous', mapping) ?? 0));
  }
  return sum;
}

function kilobytes(field: string, text: string): number | null {
  const value = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return value === undefined ? null : Number(value);
}

/** As /proc/<pid>/maps writes the number of stat(2): major and minor, in hexadecimal. */
function deviceName(device: number): string {
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  return [major, minor].map((number) => number.toString(16).padStart(2, '0')).join(':');
}
