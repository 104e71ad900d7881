import { INIT_SHELL } from '../bubblewrap/arguments.js';
import { commandLine } from '../../posix/shell.js';
import { INIT_SCRIPT } from './script.js';

/** Descriptors of bubblewrap, besides 0 (the script), 1 and 2 (messages) and those of the guest. */
export const BWRAP = { args: 3, seccomp: 4, status: 5, initShell: 10 } as const;
/** From here on: the files of /etc. */
export const FIRST_ETC = 11;

export interface LauncherPlan {
  readonly bwrap: string;
  /** Names sandbox and server on the command lines of the launcher and of the sandbox's init. */
  readonly marker: string;
  readonly fileBytes: number;
  /** For a root server. */
  readonly confined: { readonly uid: number; readonly holderPid: number } | null;
  /** Commands of a shell that takes itself into the sandbox's groups. None: `fallback` limits it. */
  readonly join: readonly string[];
  /** For limits without a cgroup: processes (set where only the sandbox's count) and a list of CPUs. */
  readonly fallback: { readonly pids: number; readonly cpuList: string } | null;
}

/**
 * The words of the command that becomes bubblewrap, all in one process: it enters the mounts, joins the groups, drops the uid, and
 * only then is bubblewrap. A step that fails ends it.
 */
export function launcherCommand({ bwrap, marker, fileBytes, confined, join, fallback }: LauncherPlan): string[] {
  const nproc = fallback ? [`--nproc=${fallback.pids + 1}`] : []; // with the init
  const limits = ['/usr/bin/prlimit', `--fsize=${fileBytes}`, ...nproc];
  const init = [...limits, '--', INIT_SHELL, '-c', INIT_SCRIPT, marker];
  const options = [
    '--args',
    String(BWRAP.args),
    '--seccomp',
    String(BWRAP.seccomp),
    '--json-status-fd',
    String(BWRAP.status),
  ];
  const pinned = fallback ? ['taskset', '-c', fallback.cpuList] : [];
  // A core limit of 1, not 0: where core_pattern is a program, as with systemd-coredump, the kernel runs it as root whatever the limit,
  // but for 1. Set out here, since the filter lets nothing in a sandbox set it.
  const withoutCores = ['prlimit', '--core=1', '--'];
  const sandbox = [...pinned, ...withoutCores, bwrap, ...options, '--', ...init];
  const joined = (words: readonly string[]): string[] => [
    '/bin/sh',
    '-c',
    [...join, `exec ${commandLine(words)}`].join('\n'),
  ];
  if (confined === null) return join.length === 0 ? sandbox : joined(sandbox);
  const { uid, holderPid } = confined;
  const drop = ['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--no-new-privs', '--'];
  return ['nsenter', `--mount=/proc/${holderPid}/ns/mnt`, '--', ...joined([...drop, ...sandbox])];
}
