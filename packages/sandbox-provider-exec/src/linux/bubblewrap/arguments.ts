import type { Runtime } from '../runtimes/runtime.js';

/** Host paths that a sandbox shows, as the launcher sees them. */
export interface SandboxPaths {
  readonly solution: string;
  readonly workspace: string;
  readonly output: string;
}

/** A top-level folder such as /lib: a link on merged-usr systems, a folder of its own on others. */
export interface SystemFolder {
  readonly path: string;
  readonly linkTo: string | null;
}

export interface BubblewrapPlan {
  readonly paths: SandboxPaths;
  readonly runtimes: readonly Runtime[];
  readonly systemFolders: readonly SystemFolder[];
  /** Where `python` leads, if that name has to be made. */
  readonly pythonLink: string | null;
  /** What /tmp, the home folder and /dev/shm may hold together, in bytes. They are memory. */
  readonly temporaryBytes: number;
  /** Programs may open terminals. */
  readonly terminals: boolean;
  /** Descriptor of bubblewrap with the init's shell. */
  readonly initShell: number;
  /** Descriptors of bubblewrap with the files of /etc. */
  readonly etc: Readonly<Record<string, number>>;
}

export const HOME = '/home/sandbox';

/**
 * A copy of the system's shell that can be executed but not read: so the kernel makes the process that runs it not dumpable, and keeps
 * its memory, descriptors and environment from all of its uid (`would_dump` of the kernel's fs/exec.c; proc(5), ptrace(2)).
 */
export const INIT_SHELL = '/init/sh';

/** Options of bwrap(1) for one sandbox; the command is not among them. Destinations are flat and fixed: never below an untrusted bind. */
export function bubblewrapArguments(plan: BubblewrapPlan): string[] {
  const { paths, runtimes, systemFolders } = plan;
  const share = (part: number): string => String(Math.max(4096, Math.floor(plan.temporaryBytes / part)));
  return [
    ...['--unshare-user', '--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...['--disable-userns', '--uid', '1000', '--gid', '1000', '--hostname', 'sandbox'],
    ...['--die-with-parent', '--new-session', '--as-pid-1', '--cap-drop', 'ALL', '--clearenv'],
    ...['--ro-bind', '/usr', '/usr'],
    ...systemFolders.flatMap(({ path, linkTo }) =>
      linkTo === null ? ['--ro-bind', path, path] : ['--symlink', linkTo, path],
    ),
    ...['/etc/ld.so.cache', '/etc/ssl/certs', '/etc/alternatives', '/etc/localtime'].flatMap((path) => [
      '--ro-bind-try',
      path,
      path,
    ]),
    ...Object.entries(plan.etc).flatMap(([name, fd]) => [
      '--perms',
      '0444',
      '--ro-bind-data',
      String(fd),
      `/etc/${name}`,
    ]),
    ...['--perms', '0111', '--ro-bind-data', String(plan.initShell), INIT_SHELL],
    ...runtimes.flatMap(({ source, target }) => ['--ro-bind', source, target]),
    ...(plan.pythonLink === null ? [] : ['--symlink', plan.pythonLink, '/runtimes/bin/python']),
    // The sysctls of /proc are the host's, and a root-owned sandbox could write them.
    ...['--proc', '/proc', '--ro-bind', '/proc/sys', '/proc/sys'],
    ...['--dev', '/dev', '--perms', '1777', '--size', share(4), '--tmpfs', '/dev/shm'],
    ...(plan.terminals ? [] : ['--size', '4096', '--tmpfs', '/dev/pts', '--remount-ro', '/dev/pts']),
    ...['--remount-ro', '/dev'], // else a tmpfs without bound
    ...['--perms', '1777', '--size', share(2), '--tmpfs', '/tmp'],
    ...['--perms', '0700', '--size', share(4), '--tmpfs', HOME],
    ...[
      '--ro-bind',
      paths.solution,
      '/solution',
      '--bind',
      paths.workspace,
      '/workspace',
      '--bind',
      paths.output,
      '/output',
    ],
    ...['--remount-ro', '/', '--chdir', '/workspace'],
  ];
}

/** The files of /etc that programs ask for; none of the host's. */
export const etcFiles: Readonly<Record<string, string>> = {
  passwd: `root:x:0:0:root:/root:/usr/sbin/nologin\nsandbox:x:1000:1000:sandbox:${HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n`,
  group: 'root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost sandbox\n::1 localhost\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};
