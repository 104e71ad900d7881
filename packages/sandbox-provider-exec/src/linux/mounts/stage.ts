import { join } from 'node:path';
import { copyScript } from '../../posix/copy.js';
import { commandLine, quote } from '../../posix/shell.js';
import { imageCommands } from './image.js';
import type { SandboxPaths } from '../bubblewrap/arguments.js';
import type { Runtime } from '../runtimes/runtime.js';

/** Where a sandbox's mounts are put together; only its own mount namespace has anything there. */
const STAGE = '/run/ergon-sandbox';
export const DISK = `${STAGE}/disk`;

export const stagePaths: SandboxPaths = {
  solution: `${STAGE}/solution`,
  workspace: `${DISK}/workspace`,
  output: `${DISK}/output`,
};

/** Runtimes and mounts as they are seen below the stage: their own folders may lie where the sandbox's uid can't go. */
export function stagedRuntimes(runtimes: readonly Runtime[]): Runtime[] {
  return runtimes.map((runtime) => ({ ...runtime, source: `${STAGE}/${runtime.name}` }));
}

export interface Disk {
  readonly folder: string;
  readonly uid: number;
  readonly bytes: number;
  /** False: a plain folder, which the watchdog measures. */
  readonly image: boolean;
}

/** Commands that make the stage and the disk. */
export function stageCommands({ folder, uid, bytes, image }: Disk, runtimes: readonly Runtime[]): string[] {
  const plain = quote(join(folder, 'disk'));
  const mountDisk = image
    ? imageCommands(join(folder, 'disk.img'), bytes, 'disk')
    : [`mkdir -p ${plain}`, `mount --bind ${plain} disk`, 'mount -o remount,bind,nosuid,nodev disk'];
  return [
    `mkdir -p -m 0755 ${STAGE}`,
    `mount -t tmpfs -o mode=0755,size=64k,nosuid,nodev ergon-sandbox ${STAGE}`,
    `cd ${STAGE}`,
    'mkdir disk solution',
    ...mountDisk,
    `install -d -m 0755 -o ${uid} -g ${uid} disk/workspace disk/output`,
    ...runtimes.flatMap(({ name, source: from }) => [`mkdir ${name}`, `mount --bind ${quote(from)} ${name}`]),
  ];
}

/** Commands that make a folder of the sandbox's user, to be filled; and one that closes it, once it is. */
export function fillableFolder(folder: string, uid: number): string[] {
  return [`install -d -m 0755 -o ${uid} -g ${uid} ${quote(folder)}`];
}
export function closeFolder(name: string): string[] {
  return [`mount -o remount,bind,ro,nosuid,nodev ${STAGE}/${name}`];
}

/** Commands that put a solution in: bound for /solution, and copied, as the sandbox's uid, for /workspace. */
export function placeCommands(solutionPath: string, uid: number): string[] {
  const copy = [
    'setpriv',
    '--reuid',
    String(uid),
    '--regid',
    String(uid),
    '--clear-groups',
    '--no-new-privs',
    '/bin/sh',
    '-c',
  ];
  return [
    `mount --bind ${quote(solutionPath)} ${stagePaths.solution}`,
    `mount -o remount,bind,ro,nosuid,nodev ${stagePaths.solution}`,
    commandLine([...copy, copyScript(stagePaths.solution, stagePaths.workspace)]),
  ];
}
