import { readdirSync, statSync, type Stats } from 'node:fs';
import { SandboxError } from '@ergon/sandbox-core';
import type { LimitHit } from '@ergon/sandbox-core';
import { runOverOwnFiles } from '../command.js';

/** A file takes at least this much of the limit, so that empty ones are not free. */
const BYTES_PER_FILE = 4096;

/** What plain folders hold, by looking: allocated blocks, not sizes, with files that were removed while open. */
export class FolderMeter {
  usedBytes = 0;

  constructor(
    private readonly folders: readonly string[],
    private readonly limitBytes: number,
    private readonly processes: () => readonly number[],
  ) {}

  async look(): Promise<LimitHit | null> {
    const script = 'du -skx -- "$@"; du -sx --inodes -- "$@"';
    const { stdout, stderr } = await runOverOwnFiles('/bin/sh', ['-c', script, 'sh', ...this.folders]);
    const numbers = stdout.split('\n').flatMap((line) => (line === '' ? [] : [Number.parseInt(line, 10)]));
    if (numbers.length !== 2 * this.folders.length) {
      throw new SandboxError('SANDBOX011', `The workspace could not be measured: ${stderr.trim()}`);
    }
    const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
    const kilobytes = sum(numbers.slice(0, this.folders.length));
    const files = sum(numbers.slice(this.folders.length));
    this.usedBytes = Math.max(kilobytes * 1024, files * BYTES_PER_FILE) + this.#removedButOpen();
    if (this.usedBytes <= this.limitBytes) return null;
    return { limit: 'disk', value: this.limitBytes, evidence: `${this.usedBytes} bytes in ${files} files, counted` };
  }

  #removedButOpen(): number {
    const device = statSync(this.folders[0] ?? '/').dev;
    const seen = new Set<number>();
    let bytes = 0;
    for (const pid of this.processes()) {
      for (const fd of descriptorsOf(pid)) {
        const stat = statOrNull(`/proc/${pid}/fd/${fd}`);
        if (stat === null || !stat.isFile() || stat.nlink > 0 || stat.dev !== device || seen.has(stat.ino)) continue;
        seen.add(stat.ino);
        bytes += stat.blocks * 512;
      }
    }
    return bytes;
  }
}

function descriptorsOf(pid: number): string[] {
  return orIfGone(() => readdirSync(`/proc/${pid}/fd`), []);
}

function statOrNull(path: string): Stats | null {
  return orIfGone(() => statSync(path), null);
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
