import { SandboxError } from '@ergon/sandbox-core';
import type { DiskMeter } from '../posix/counted-disk.js';
import { countedDisk } from '../posix/counted-disk.js';
import { overOwnFolders } from './confined.js';
import type { MacTools } from './tools.js';

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
  return countedDisk(limitBytes, async (signal) => {
    const { stdout, stderr } = await overOwnFolders(tools, folder, MEASURE, { signal });
    const measured = parseMeasure(stdout);
    if (measured !== null) return measured;
    throw new SandboxError('SANDBOX011', `The workspace could not be measured: ${stderr.trim()}`);
  });
}

/** The four lines of du(1) for the four folders, then dots. Null: something else. */
export function parseMeasure(stdout: string): { bytes: number; files: number } | null {
  const [, kilobytes, dots] = /^((?:\d+\t[^\n]*\n){4})(\.+)\n$/.exec(stdout) ?? [];
  if (kilobytes === undefined || dots === undefined) return null;
  const bytes = kilobytes.split('\n').reduce((sum, line) => sum + (Number.parseInt(line, 10) || 0) * 1024, 0);
  return { bytes, files: dots.length };
}
