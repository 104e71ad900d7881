import { readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import type { LimitHit } from '@ergon/sandbox-core';
import { runOverOwnFiles } from '../command.js';
import type { DiskMeter } from '../run.js';

/** A file takes at least this much of the limit, so that empty ones are not free. */
const BYTES_PER_FILE = 4096;

/** A disk that is plain folders: a watchdog keeps its limit. */
export function folderDisk(folder: string, limitBytes: number, processes: () => readonly number[]): DiskMeter {
  const folders = [join(folder, 'workspace'), join(folder, 'output')];
  const look = async (): Promise<{ usedBytes: number; hit: LimitHit | null }> => {
    const { bytes, files } = await measure(folders);
    const usedBytes = Math.max(bytes, files * BYTES_PER_FILE) + removedButOpen(processes(), statSync(folder).dev);
    const evidence = `${usedBytes} bytes in ${files} files, counted`;
    return { usedBytes, hit: usedBytes > limitBytes ? { limit: 'disk', value: limitBytes, evidence } : null };
  };
  return { watched: [{ look: async () => (await look()).hit }], use: look };
}

/** Allocated blocks, not sizes: files may be sparse. */
async function measure(folders: readonly string[]): Promise<{ bytes: number; files: number }> {
  const script = 'du -skx -- "$@"; du -sx --inodes -- "$@"';
  const { stdout, stderr } = await runOverOwnFiles('/bin/sh', ['-c', script, 'sh', ...folders]);
  const numbers = stdout.split('\n').flatMap((line) => (line === '' ? [] : [Number.parseInt(line, 10)]));
  if (numbers.length !== 2 * folders.length) {
    throw new SandboxError('SANDBOX011', `The workspace could not be measured: ${stderr.trim()}`);
  }
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  return { bytes: sum(numbers.slice(0, folders.length)) * 1024, files: sum(numbers.slice(folders.length)) };
}

/** Bytes of files that have no name any more, but are held open. */
function removedButOpen(pids: readonly number[], device: number): number {
  const seen = new Set<number>();
  let bytes = 0;
  for (const pid of pids) {
    for (const fd of orIfGone(() => readdirSync(`/proc/${pid}/fd`), [])) {
      const stat = orIfGone<Stats | null>(() => statSync(`/proc/${pid}/fd/${fd}`), null);
      if (stat === null || !stat.isFile() || stat.nlink > 0 || stat.dev !== device || seen.has(stat.ino)) continue;
      seen.add(stat.ino);
      bytes += stat.blocks * 512;
    }
  }
  return bytes;
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
