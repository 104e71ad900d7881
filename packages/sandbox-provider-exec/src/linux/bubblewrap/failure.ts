import type { Unusable } from '../../posix/unusable.js';

/** What the machine says about itself that helps to read a failure. */
export interface FailureContext {
  /** `user.max_user_namespaces`; null where the kernel has none. */
  readonly maxUserNamespaces: number | null;
  /** Debian's `kernel.unprivileged_userns_clone`; null where the kernel has none. */
  readonly unprivilegedUserNamespaces: number | null;
  /** Ubuntu's `kernel.apparmor_restrict_unprivileged_userns`; null where the kernel has none. */
  readonly apparmorRestricts: number | null;
  readonly inContainer: boolean;
}

const DOCKER_INSTEAD = 'or use the docker provider';
/** Docker's filter refuses new namespaces, its AppArmor profile mounts in them; and a /proc of which parts are hidden keeps the kernel from giving another. */
export const CONTAINER_OPTIONS =
  '--user 1000 --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined';

/** Where Ubuntu 24.04 and Debian 13 have it; later releases of Ubuntu load it by themselves. */
const LOAD_PROFILE =
  'install the package "apparmor-profiles" and load its profile for /usr/bin/bwrap ' +
  '("install -m 644 /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict")';

/** Explains why bubblewrap could not make a sandbox, from what it printed. Always an answer: the message itself at worst. */
export function explainFailure(message: string, context: FailureContext): Unusable {
  const text = message.trim().replace(/^bwrap: /gm, '') || 'it ended without a message';
  const allowMore = 'Allow them with "sysctl -w user.max_user_namespaces=15000".';
  if (context.maxUserNamespaces === 0) {
    return {
      reason: 'User namespaces are switched off on this machine (user.max_user_namespaces is 0).',
      fix: allowMore,
    };
  }
  if (/namespaces exceeded|\(ENOSPC\)|No space left on device/.test(text)) {
    return {
      reason: 'No more user namespaces are allowed on this machine (user.max_user_namespaces).',
      fix: allowMore,
    };
  }
  if (
    context.apparmorRestricts === 1 &&
    /setting up uid map: Permission denied|RTM_NEWADDR|Permission denied|Operation not permitted/.test(text)
  ) {
    return {
      reason: `AppArmor forbids unprivileged user namespaces to bubblewrap here (${text}).`,
      fix: `As root ${LOAD_PROFILE}, or run "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0".`,
    };
  }
  if (context.unprivilegedUserNamespaces === 0) {
    return {
      reason: 'Unprivileged user namespaces are switched off on this machine (kernel.unprivileged_userns_clone is 0).',
      fix: 'Allow them with "sysctl -w kernel.unprivileged_userns_clone=1".',
    };
  }
  if (
    context.inContainer &&
    /No permissions to creat|Can't mount proc|Operation not permitted|Permission denied|pivot_root/.test(text)
  ) {
    return {
      reason: `This server runs in a container that does not allow new namespaces (${text}).`,
      fix: `Run it on the host, or as an ordinary user in a container with "${CONTAINER_OPTIONS}", ${DOCKER_INSTEAD}.`,
    };
  }
  // The kernel itself would say EPERM.
  if (text.includes('Creating new namespace failed: Permission denied')) {
    return {
      reason: `A security module, such as AppArmor, forbids user namespaces to bubblewrap here (${text}).`,
      fix: `"dmesg" shows which one it is ("DENIED"). If it is AppArmor, as root ${LOAD_PROFILE}, ${DOCKER_INSTEAD}.`,
    };
  }
  if (text.includes('No permissions to creat')) {
    return {
      reason: `The kernel does not let bubblewrap make namespaces (${text}).`,
      fix: `Look for a security module or a seccomp filter around this server, ${DOCKER_INSTEAD}.`,
    };
  }
  return {
    reason: `bubblewrap cannot make a sandbox here: ${text}.`,
    fix: `Run "bwrap --unshare-all --ro-bind / / true" to see it fail, ${DOCKER_INSTEAD}.`,
  };
}
