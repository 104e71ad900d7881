import { statSync } from 'node:fs';
import { SandboxError } from '@ergon/sandbox-core';
import { runOverOwnFiles } from '../own-files.js';
import type { DiskMeter } from '../../posix/counted-disk.js';
import { countedDisk } from '../../posix/counted-disk.js';
import { unnamedFiles } from './open-files.js';

/** Counting files is a second walk: only now and then. */
const LOOKS_PER_FILE_COUNT = 5;

/** A disk that is plain folders of one filesystem: a watchdog keeps its limit. */
export function folderDisk(
  folders: readonly [string, ...string[]],
  limitBytes: number,
  processes: () => readonly number[],
): DiskMeter {
  let looks = 0;
  let files = 0;
  return countedDisk(limitBytes, async (signal) => {
    const kilobytes = await sumOfDu(['-skx'], folders, signal); // allocated blocks, not sizes: files may be sparse
    if (looks++ % LOOKS_PER_FILE_COUNT === 0) files = await sumOfDu(['-sx', '--inodes'], folders, signal);
    const { dev } = statSync(folders[0]);
    const removed = unnamedFiles(processes()).filter(({ device }) => device === dev);
    const held = removed.reduce((sum, { bytes }) => sum + bytes, 0);
    return { bytes: kilobytes * 1024, files, held };
  });
}

async function sumOfDu(options: readonly string[], folders: readonly string[], signal: AbortSignal): Promise<number> {
  const { stdout, stderr } = await runOverOwnFiles('du', ['-0', ...options, '--', ...folders], { signal });
  const numbers = stdout.split('\0').flatMap((line) => (line === '' ? [] : [Number.parseInt(line, 10)]));
  if (numbers.length === folders.length) return numbers.reduce((a, b) => a + b, 0);
  throw new SandboxError('SANDBOX011', `The workspace could not be measured: ${stderr.trim()}`);
}
