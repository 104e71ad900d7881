import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { SECCOMP_POLICY, seccompProgram, WATCHED_POLICY } from '@ergon/sandbox-seccomp';
import type { SystemFolder } from './bubblewrap/arguments.js';
import { attemptSandbox } from './bubblewrap/attempt.js';
import { explainFailure, type FailureContext } from './bubblewrap/failure.js';
import type { Unusable } from '../posix/unusable.js';
import { bubblewrapCandidates, findBubblewrap, isOlder, OLDEST_BUBBLEWRAP, parseVersion } from './bubblewrap/find.js';
import { ownCpus } from './cpus.js';
import type { CgroupSource } from './cgroup/source.js';
import { runCommand, SYSTEM_PATH, type CommandOptions } from '../posix/command.js';
import { LAST_UID, randomHostUid } from './identity.js';
import { TERMINAL_TOOLS } from './launch/terminal.js';
import type { Machine } from './machine.js';
import { readProc } from './processes.js';
import { findRuntimes } from './runtimes/find.js';
import { ownSearch } from '../posix/runtimes.js';

export type Found = { readonly machine: Machine } | { readonly unusable: Unusable };

/** Finds out whether and how sandboxes work here: by the tools' presence, and by making one. @throws what the signal says */
export async function probeLinux(source: CgroupSource, signal?: AbortSignal): Promise<Found> {
  const options = signal ? { signal } : {};
  const path = process.env.PATH ?? SYSTEM_PATH;
  const { arch } = process;
  if (arch !== 'x64' && arch !== 'arm64') {
    return unusable(`There is no seccomp filter for the architecture "${arch}".`, 'Use the docker provider.');
  }
  if (!isMainThread) {
    // bubblewrap dies with the thread that started it.
    return unusable(
      'Sandboxes started from a worker thread end with that thread.',
      "Use the provider in the process's main thread.",
    );
  }
  const workingFolder = process.cwd();
  const bwrap = findBubblewrap(bubblewrapCandidates(path, workingFolder), workingFolder);
  if (bwrap === null) {
    return unusable(
      'bubblewrap is not installed.',
      'Install it with "apt-get install bubblewrap" (or "dnf install bubblewrap").',
    );
  }
  if (bwrap.setuid) {
    return unusable(
      `${bwrap.path} is setuid root, which lets programs that escape it become root.`,
      `Allow unprivileged user namespaces and remove the bit with "chmod u-s ${bwrap.path}".`,
    );
  }
  const { stdout: version } = await runCommand(bwrap.path, ['--version'], options);
  const parsed = parseVersion(version);
  if (parsed === null)
    return unusable(`${bwrap.path} does not answer as bubblewrap does.`, 'Reinstall the package bubblewrap.');
  if (isOlder(parsed, OLDEST_BUBBLEWRAP)) {
    return unusable(
      `bubblewrap ${parsed.join('.')} is too old: it can't forbid nested user namespaces.`,
      `Upgrade it to ${OLDEST_BUBBLEWRAP} or newer.`,
    );
  }
  const root = process.getuid?.() === 0;
  for (const tool of root
    ? ['prlimit', 'setpriv', 'unshare', 'nsenter', 'mount']
    : ['prlimit', 'taskset', 'unshare', 'du']) {
    if (!(await isTool(tool))) {
      return unusable(
        `The tool "${tool}" is missing.`,
        'Install it with "apt-get install util-linux mount coreutils".',
      );
    }
  }
  const forbidden = whyNoSandbox(root);
  if (forbidden !== null) return { unusable: forbidden };
  const { failure, unlimitedPtys } = await attemptSandbox(bwrap.path, root ? randomHostUid() : null, signal);
  if (failure !== null) return { unusable: explainFailure(failure, failureContext()) };
  if (root && (await runCommand('unshare', ['-m', '--propagation', 'private', 'true'], options)).code !== 0) {
    return unusable(
      'This server is root without the right to mount (CAP_SYS_ADMIN), as in a container.',
      'Run it as an ordinary user ("--user 1000" of a container), or on the host.',
    );
  }
  const runtimes = findRuntimes(ownSearch(root));
  const found = await source.find(root, options);
  const cgroups = 'place' in found ? found : null;
  return {
    machine: {
      bwrap: bwrap.path,
      bwrapVersion: parsed.join('.'),
      root,
      cgroups,
      cgroupDetail: 'place' in found ? found.how : `none: rlimits and a watchdog (${found.why})`,
      diskImages: root && (await canMountImages(options)),
      noTerminals: await whyNoTerminals(unlimitedPtys),
      systemFolders: systemFolders(),
      runtimes,
      shell: readFileSync('/bin/sh'),
      allowedCpus: ownCpus(),
      memoryBytes: Math.min(totalmem(), process.constrainedMemory() || Infinity),
      seccomp: seccompProgram(arch, cgroups === null ? WATCHED_POLICY : SECCOMP_POLICY),
    },
  };
}

function unusable(reason: string, fix: string): Found {
  return { unusable: { reason, fix } };
}

async function whyNoTerminals(unlimitedPtys: string | null): Promise<string | null> {
  for (const tool of TERMINAL_TOOLS) {
    if (!(await isTool(tool))) return `Terminals need the tool "${tool}" on the host, which is missing.`;
  }
  if (unlimitedPtys === null) return null;
  return `How many terminals a sandbox has could not be limited here, so it has none: ${unlimitedPtys}.`;
}

async function isTool(name: string): Promise<boolean> {
  for (const folder of SYSTEM_PATH.split(':')) {
    const found = await access(`${folder}/${name}`, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** What forbids a sandbox before one is tried. */
function whyNoSandbox(root: boolean): Unusable | null {
  const context = failureContext();
  if (context.maxUserNamespaces === 0) return explainFailure('', context);
  if (!root || mapsUid(LAST_UID)) return null;
  return {
    reason: 'This server is root of a user namespace that has no users for sandboxes.',
    fix: "Run it as an ordinary user, or give its namespace the host's whole range of ids.",
  };
}

/** Lines of uid_map: first id inside, first id outside, how many (user_namespaces(7)). */
function mapsUid(uid: number): boolean {
  return (readProc('self/uid_map') ?? '').split('\n').some((line) => {
    const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
    return uid >= first && uid < first + count;
  });
}

function failureContext(): FailureContext {
  const sysctl = (path: string): number | null => {
    const text = readProc(`sys/${path}`);
    return text === null ? null : Number(text);
  };
  return {
    maxUserNamespaces: sysctl('user/max_user_namespaces'),
    unprivilegedUserNamespaces: sysctl('kernel/unprivileged_userns_clone'),
    apparmorRestricts: sysctl('kernel/apparmor_restrict_unprivileged_userns'),
    inContainer:
      existsSync('/.dockerenv') ||
      existsSync('/run/.containerenv') ||
      /^container=/m.test((readProc('1/environ') ?? '').replaceAll('\0', '\n')),
  };
}

/** Mounts an image inside of a private namespace's own tmpfs: nothing is left, however it ends. */
async function canMountImages(options: CommandOptions): Promise<boolean> {
  if (!(await isTool('mkfs.ext4'))) return false;
  const script =
    'mount -t tmpfs t /mnt && cd /mnt && truncate -s 1M i && mkfs.ext4 -q i && mkdir m && mount -o loop i m && umount m';
  return (await runCommand('unshare', ['-m', '--propagation', 'private', '/bin/sh', '-c', script], options)).code === 0;
}

function systemFolders(): SystemFolder[] {
  return ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].flatMap((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return [{ path, linkTo: stat.isSymbolicLink() ? readlinkSync(path) : null }];
  });
}

/** `bubblewrap 0.8.0, cgroup v1, …`: facts for people. */
export function describe(machine: Machine): Readonly<Record<string, string>> {
  return {
    bubblewrap: `${machine.bwrapVersion} at ${machine.bwrap}`,
    server: machine.root ? 'root' : 'ordinary user',
    cgroup: machine.cgroupDetail,
    disk: machine.diskImages ? 'a filesystem of its own for each sandbox' : 'polled',
    terminals: machine.noTerminals ?? "in the sandbox's own /dev/pts",
    seccomp: `${machine.seccomp.length / 8} instructions`,
    languages: machine.runtimes.names.join(', '),
    kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
  };
}
