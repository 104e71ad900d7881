import { readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import type { LimitHit } from '@ergon/sandbox-core';
import { runOverOwnFiles } from '../command.js';
import type { DiskMeter } from '../run.js';

/** A file takes at least this much of the limit, so that empty ones are not free. */
const BYTES_PER_FILE = 4096;

/** Counting files is a second walk: only now and then. */
const LOOKS_PER_FILE_COUNT = 5;

/** A disk that is plain folders: a watchdog keeps its limit. */
export function folderDisk(folder: string, limitBytes: number, processes: () => readonly number[]): DiskMeter {
  const folders = [join(folder, 'workspace'), join(folder, 'output')];
  let looks = 0;
  let files = 0;
  const look = async (): Promise<{ usedBytes: number; hit: LimitHit | null }> => {
    const kilobytes = await sumOfDu(['-skx'], folders); // allocated blocks, not sizes: files may be sparse
    if (looks++ % LOOKS_PER_FILE_COUNT === 0) files = await sumOfDu(['-sx', '--inodes'], folders);
    const held = removedButOpen(processes(), statSync(folder).dev);
    const usedBytes = Math.max(kilobytes * 1024, files * BYTES_PER_FILE) + held;
    const evidence = `${usedBytes} bytes in ${files} files, counted`;
    return { usedBytes, hit: usedBytes > limitBytes ? { limit: 'disk', value: limitBytes, evidence } : null };
  };
  return { watched: [{ look: async () => (await look()).hit }], use: look };
}

async function sumOfDu(options: readonly string[], folders: readonly string[]): Promise<number> {
  const { stdout, stderr } = await runOverOwnFiles('du', [...options, '--', ...folders]);
  const numbers = stdout.split('\n').flatMap((line) => (line === '' ? [] : [Number.parseInt(line, 10)]));
  if (numbers.length === folders.length) return numbers.reduce((a, b) => a + b, 0);
  throw new SandboxError('SANDBOX011', `The workspace could not be measured: ${stderr.trim()}`);
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
