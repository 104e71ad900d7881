import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrorCode } from '@ergon/sandbox-core';

/** A file beside a sandbox's folders, which tells a later start of the server whose processes to look for. */
export const RECORD = 'running';

export interface Recorded {
  readonly pid: number;
  readonly start: string;
  readonly mark: string;
}

export function recordOf({ pid, start, mark }: Recorded): string {
  return `${pid}\n${start}\n${mark}\n`;
}

/** Null: nothing ran there, or the record was cut off, which is before anything of the program runs. */
export function readRecord(folder: string): Recorded | null {
  let text: string;
  try {
    text = readFileSync(join(folder, RECORD), 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
    throw error;
  }
  const [, pid, start = '', mark = ''] = /^(\d+)\n([^\n]+)\n([0-9a-f]{32})\n$/.exec(text) ?? [];
  return pid === undefined ? null : { pid: Number(pid), start, mark };
}
