import { SandboxError } from '@ergon/sandbox-core';

/** One process as ps(1) shows it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  /** Of the process group. */
  readonly group: number;
  readonly uid: number;
  /** Resident, in bytes: without what was compressed. */
  readonly residentBytes: number;
  /** User and system time. */
  readonly cpuMs: number;
  readonly zombie: boolean;
  /** To the second, as text: with the pid, a name that is hardly given twice. */
  readonly start: string;
  /** Command and, where the kernel shows it, environment, in one line. Of the system's own programs (`/bin/sh`) it shows none. */
  readonly words: string;
}

/** Unescaped newlines would let a program write rows of its own: ps shows them as `\\012` (vis(3)). */
export const PS = ['/bin/ps', '-axww', '-E', '-o', 'pid=,ppid=,pgid=,uid=,rss=,time=,stat=,lstart=,command='] as const;

const ROW = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+([\d:.-]+)\s+(\S+)\s+((?:\S+\s+){4}\S+)(?: (.*))?$/;

/** Reads what {@link PS} printed. @throws SandboxError SANDBOX011 for anything else: on half a table no one can be ended */
export function parsePs(output: string): ProcessRow[] {
  const rows = new Map<number, ProcessRow>();
  for (const line of output.split('\n')) {
    if (line.trim() === '') continue;
    const [, pid, parent, group, uid, rss, time = '', stat = '', start = '', words = ''] =
      ROW.exec(line) ?? unread(line);
    if (rows.has(Number(pid))) unread(line);
    rows.set(Number(pid), {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      uid: Number(uid),
      residentBytes: Number(rss) * 1024,
      cpuMs: parseTime(time),
      zombie: stat.startsWith('Z'),
      start: start.replace(/\s+/g, ' '),
      words,
    });
  }
  return [...rows.values()];
}

function unread(line: string): never {
  throw new SandboxError(
    'SANDBOX011',
    `ps printed something else than processes: ${JSON.stringify(line.slice(0, 80))}`,
  );
}

/** `[[dd-]hh:]mm:ss[.cc]` in ms. */
export function parseTime(text: string): number {
  const [clock = '', days = '0'] = text.split('-').reverse();
  const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Math.round((Number(days) * 86_400 + seconds) * 1000);
}

export const FOOTPRINT = ['/usr/bin/footprint', '--noCategories', '--format', 'bytes'] as const;

/** What footprint(1) says that each process owes the machine, in bytes: with what was compressed, without what it shares. */
export function parseFootprints(output: string): Map<number, number> {
  const found = new Map<number, number>();
  for (const [, pid, bytes] of output.matchAll(/\[(\d+)\]: \S+ +Footprint: (\d+) B\b/g))
    found.set(Number(pid), Number(bytes));
  return found;
}
