import { readdirSync, readlinkSync, statSync } from 'node:fs';

export interface UnnamedFile {
  /** As the kernel tells it: `/memfd:name (deleted)` of one that memfd_create made. */
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  readonly bytes: number;
}

/** Files that have no name, or none any more, and are held open by processes; each once. */
export function unnamedFiles(pids: readonly number[]): UnnamedFile[] {
  const found = new Map<string, UnnamedFile>();
  // A thread may have descriptors of its own.
  for (const task of pids.flatMap(tasksOf)) {
    for (const fd of orIfGone(() => readdirSync(`/proc/${task}/fd`), [])) {
      const link = `/proc/${task}/fd/${fd}`;
      const stat = orIfGone(() => statSync(link), null);
      if (stat === null || !stat.isFile() || stat.nlink > 0) continue;
      const path = orIfGone(() => readlinkSync(link), '');
      const { dev: device, ino: inode, blocks } = stat;
      found.set(`${device} ${inode}`, { path, device, inode, bytes: blocks * 512 });
    }
  }
  return [...found.values()];
}

/** Its threads, as folders of /proc. Of a process whose first thread has ended only the others tell what it has. */
export function tasksOf(pid: number): string[] {
  return orIfGone(() => readdirSync(`/proc/${pid}/task`), []).map((tid) => `${pid}/task/${tid}`);
}

/** A process may end, or hide, between being listed and being looked at. */
function orIfGone<Value>(look: () => Value, otherwise: Value): Value {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}
