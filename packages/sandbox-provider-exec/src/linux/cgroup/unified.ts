import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { runCommand, type CommandOptions } from '../../posix/command.js';
import { processTree } from '../processes.js';
import { makeOne, processesIn } from './folders.js';

/** The controllers of v2 that a sandbox needs. */
const NEEDED = ['cpu', 'memory', 'pids'] as const;

/** Where a server stands that made its own group one with groups below: of those only leaves may hold processes (cgroups(7)). */
const SERVER = 'ergon-sandbox-server';

/** Below what the groups of a server's sandboxes belong, whether it has moved out of the way already or not. */
export function parentFor(own: string): string {
  return basename(own) === SERVER ? dirname(own) : own;
}

/** Passes the controllers on to the groups below. Not allowed while the group itself holds processes, but for the top of the machine. */
export function enableControllers(folder: string): void {
  writeFileSync(join(folder, 'cgroup.subtree_control'), NEEDED.map((name) => `+${name}`).join(' '));
}

/**
 * Makes a group one below which sandboxes can have theirs: moves this process and those below it, if they are in it, into a leaf.
 * @returns a sentence why it can't be, or null
 */
export function adoptGroup(folder: string): string | null {
  const there = words(readFileSync(join(folder, 'cgroup.controllers'), 'utf8'));
  const missing = NEEDED.filter((name) => !there.includes(name));
  if (missing.length > 0) return `it is not given ${missing.join(', ')}`;
  const isTopOfMachine = !existsSync(join(folder, 'cgroup.type'));
  try {
    const inTheWay = isTopOfMachine ? null : moveAside(folder);
    if (inTheWay !== null) return inTheWay;
    enableControllers(folder);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'this server may not change it';
    if (code === 'EBUSY') return 'other processes are in it';
    throw error;
  }
}

/**
 * True for a service or scope of systemd's that it did not hand over (Delegate=): it would find its own processes shut out of a group that has
 * others below.
 */
export async function isForeignUnit(folder: string, options: CommandOptions): Promise<boolean> {
  const unit = basename(folder);
  if (!/\.(service|scope)$/.test(unit)) return false;
  const show = ['show', '--property=Delegate', '--value', '--', unit];
  const { stdout } = await runCommand('systemctl', show, options).catch(() => ({ stdout: '' }));
  return stdout.trim() !== 'yes';
}

/** What we start meanwhile may be in the group as well: so until it is empty. */
function moveAside(folder: string): string | null {
  const leaf = join(folder, SERVER);
  for (let pids = processesIn(folder); pids.length > 0; pids = processesIn(folder)) {
    const ours = new Set(processTree(process.pid).map(({ pid }) => pid));
    if (!pids.every((pid) => ours.has(pid) || hasEnded(pid))) return 'other processes are in it';
    makeOne(leaf);
    for (const pid of pids) move(pid, leaf);
  }
  return null;
}

function hasEnded(pid: number): boolean {
  return pid !== 0 && !existsSync(`/proc/${pid}`); // 0: it belongs to another pid namespace
}

function move(pid: number, folder: string): void {
  try {
    writeFileSync(join(folder, 'cgroup.procs'), String(pid));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function words(text: string): string[] {
  return text.trim().split(/\s+/);
}
