import { SandboxError } from '@ergon/sandbox-core';
import type { LimitHit } from '@ergon/sandbox-core';
import type { DiskMeter } from '../linux/run.js';
import { overOwnFolders } from './confined.js';
import type { MacTools } from './tools.js';

/** A file takes at least this much of the limit, so that empty ones are not free. */
const BYTES_PER_FILE = 4096;

/** The end of a run does not wait longer for a tree that takes long to walk. */
const LONGEST_USE_MS = 2000;

/** Allocated blocks, not sizes: files may be sparse. A dot for each name. Folders that forbid it to their owner are opened. */
const MEASURE = [
  'measure() {',
  '  for folder; do (cd -- "$folder" && du -skx .) || return; done',
  '  find "$@" -xdev -exec printf "%.0s." {} +',
  '}',
  'said=$(measure "$@" 2>/dev/null) || { chmod -R u+rwX -- "$@" 2>/dev/null; said=$(measure "$@"); } || exit',
  'echo "$said"',
].join('\n');

/** The workspace and all else that a program may write: a watchdog keeps the limit. What was removed and is still open is not seen. */
export function ownDisk(tools: MacTools, folder: string, limitBytes: number): DiskMeter {
  const look = async (signal: AbortSignal): Promise<{ usedBytes: number; hit: LimitHit | null }> => {
    const { stdout, stderr } = await overOwnFolders(tools, folder, MEASURE, { signal });
    const measured = parseMeasure(stdout);
    if (measured === null)
      throw new SandboxError('SANDBOX011', `The workspace could not be measured: ${stderr.trim()}`);
    const usedBytes = Math.max(measured.bytes, measured.files * BYTES_PER_FILE);
    const evidence = `${usedBytes} bytes in ${measured.files} files, counted`;
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

/** The four lines of du(1) for the four folders, then dots. Null: something else. */
export function parseMeasure(stdout: string): { bytes: number; files: number } | null {
  const [, kilobytes, dots] = /^((?:\d+\t[^\n]*\n){4})(\.+)\n$/.exec(stdout) ?? [];
  if (kilobytes === undefined || dots === undefined) return null;
  const bytes = kilobytes.split('\n').reduce((sum, line) => sum + (Number.parseInt(line, 10) || 0) * 1024, 0);
  return { bytes, files: dots.length };
}
