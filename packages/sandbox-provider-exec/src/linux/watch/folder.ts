import { statSync } from 'node:fs';
import { SandboxError } from '@ergon/sandbox-core';
import type { LimitHit } from '@ergon/sandbox-core';
import { runOverOwnFiles } from '../command.js';
import type { DiskMeter } from '../run.js';
import { unnamedFiles } from './open-files.js';

/** A file takes at least this much of the limit, so that empty ones are not free. */
const BYTES_PER_FILE = 4096;

/** Folders nested by the thousands take du long: the end of a run does not wait for that. */
const LONGEST_USE_MS = 2000;

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
  const look = async (signal: AbortSignal): Promise<{ usedBytes: number; hit: LimitHit | null }> => {
    const kilobytes = await sumOfDu(['-skx'], folders, signal); // allocated blocks, not sizes: files may be sparse
    if (looks++ % LOOKS_PER_FILE_COUNT === 0) files = await sumOfDu(['-sx', '--inodes'], folders, signal);
    const { dev } = statSync(folders[0]);
    const removed = unnamedFiles(processes()).filter(({ device }) => device === dev);
    const held = removed.reduce((sum, { bytes }) => sum + bytes, 0);
    const usedBytes = Math.max(kilobytes * 1024, files * BYTES_PER_FILE) + held;
    const evidence = `${usedBytes} bytes in ${files} files, counted`;
    return { usedBytes, hit: usedBytes > limitBytes ? { limit: 'disk', value: limitBytes, evidence } : null };
  };
  const use = async (): ReturnType<DiskMeter['use']> => {
    const signal = AbortSignal.timeout(LONGEST_USE_MS);
    try {
      return await look(signal);
    } catch (error) {
      if (signal.aborted) return { usedBytes: null, hit: null };
      throw error;
    }
  };
  return { watched: [{ look: async (signal) => (await look(signal)).hit }], use };
}

async function sumOfDu(options: readonly string[], folders: readonly string[], signal: AbortSignal): Promise<number> {
  const { stdout, stderr } = await runOverOwnFiles('du', ['-0', ...options, '--', ...folders], { signal });
  const numbers = stdout.split('\0').flatMap((line) => (line === '' ? [] : [Number.parseInt(line, 10)]));
  if (numbers.length === folders.length) return numbers.reduce((a, b) => a + b, 0);
  throw new SandboxError('SANDBOX011', `The workspace could not be measured: ${stderr.trim()}`);
}
