import { readFileSync, readdirSync } from 'node:fs';

/** One line of /proc/<pid>/stat (proc(5)). */
export interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  /** User and system time in clock ticks of 10 ms, with that of children that were waited for. */
  readonly ticks: number;
  readonly threads: number;
  /** Clock ticks from boot to its start: with the pid, a name that is never given twice. */
  readonly start: number;
}

export const TICK_MS = 10; // USER_HZ, the unit of /proc, is 100 on every architecture we know filters for

/** Null: there is no such process (any more). */
export function readStat(pid: number): ProcessStat | null {
  const text = readProc(`${pid}/stat`);
  return text === null ? null : parseStat(text);
}

/** The second field, the name, may hold spaces and parentheses; what follows its last one is numbers. */
export function parseStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (field: number): number => Number(fields[field - 3]);
  return {
    pid: Number.parseInt(text, 10),
    state: fields[0] ?? '?',
    parent: at(4),
    ticks: at(14) + at(15) + at(16) + at(17),
    threads: at(20),
    start: at(22),
  };
}

export function processStart(pid: number): number | null {
  return readStat(pid)?.start ?? null;
}

/** True while this very process exists in any form but a zombie's. */
export function isAlive(pid: number, start: number): boolean {
  const stat = readStat(pid);
  return stat !== null && stat.start === start && stat.state !== 'Z' && stat.state !== 'X';
}

/** The process and all below it. A pid namespace's init has all of its namespace below it. */
export function processTree(root: number): ProcessStat[] {
  const children = new Map<number, ProcessStat[]>();
  let top: ProcessStat | null = null;
  for (const pid of allPids()) {
    const stat = readStat(pid);
    if (stat === null) continue;
    if (pid === root) top = stat;
    const siblings = children.get(stat.parent);
    if (siblings) siblings.push(stat);
    else children.set(stat.parent, [stat]);
  }
  if (top === null) return [];
  const found = [top];
  for (const process of found) found.push(...(children.get(process.pid) ?? []));
  return found;
}

/** Processes that have a word of the form that we look for on their command line. */
export function processesMarked(matches: (word: string) => boolean): { pid: number; word: string }[] {
  return allPids().flatMap((pid) => {
    const word = (readProc(`${pid}/cmdline`) ?? '').split('\0').find(matches);
    return word === undefined || pid === process.pid ? [] : [{ pid, word }];
  });
}

function allPids(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/** Null when the process is gone, or is none of ours to see. */
export function readProc(path: string): string | null {
  try {
    return readFileSync(`/proc/${path}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return null;
    throw error;
  }
}
