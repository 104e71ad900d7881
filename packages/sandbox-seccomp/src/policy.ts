/** The architectures that a filter can be made for, by Node's names (`process.arch`). */
export type SeccompArch = 'x64' | 'arm64';

/**
 * A comparison of one argument of a system call. Only its low 32 bits count (see the rules of `ioctl` and `clone`), but for `present`,
 * which holds for every pointer that is not NULL.
 */
export type ArgumentTest = { readonly argument: 0 | 1 | 2 | 3 | 4 | 5 } & (
  | { readonly anyBitOf: number }
  | { readonly oneOf: readonly number[] }
  | { readonly noneOf: readonly number[] }
  | { readonly present: true }
);

/** One system call that has no effect: it fails with `errno`, or seems to succeed where that is null. */
export interface SyscallRule {
  /** The kernel's name of the call, which is also libseccomp's. */
  readonly name: string;
  /** The call's number on each architecture; null where the architecture has no such call. */
  readonly number: Readonly<Record<SeccompArch, number | null>>;
  readonly errno: 'EPERM' | 'ENOSYS' | null;
  /** Refused only if all of these hold; without any, always. */
  readonly when?: readonly ArgumentTest[];
}

const ioctlRequests = {
  /** Types a character into a terminal: the way out of CVE-2017-5226. */
  TIOCSTI: 0x5412,
  /** Pastes into a virtual console: the same by another door. */
  TIOCLINUX: 0x541c,
};

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. CLONE_NEWTIME is no flag of clone(2). */
const NAMESPACE_FLAGS = 0x7e020000;

/** AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK (libc lists interfaces through it). Not among them: vsock, packet, alg, … */
const SOCKET_FAMILIES = [1, 2, 10, 16];

const RLIMIT_CORE = 4;

function refuse(name: string, x64: number | null, arm64: number | null, ...when: ArgumentTest[]): SyscallRule {
  return { name, number: { x64, arm64 }, errno: 'EPERM', ...(when.length > 0 && { when }) };
}

/**
 * What a sandboxed program may not ask of the kernel; everything else is allowed. Each row: name, number on x64, on arm64.
 *
 * Numbers are those of the kernel's system call tables: `arch/x86/entry/syscalls/syscall_64.tbl` for x64, `scripts/syscall.tbl`
 * for arm64; from 424 on they are the same everywhere. The newest call here, open_tree_attr, came with v6.15.
 *
 * Of this table `program.ts` makes a BPF program, and `profile.ts` a profile for container engines. Engines keep no order of rules: those
 * for one call must exclude each other, and one rule tests an argument once.
 */
export const SECCOMP_POLICY: readonly SyscallRule[] = [
  // By argument. First, because the kernel can cache its answer for all other calls, but has to run the program for these.
  // The kernel takes ioctl's request as 32 bits; comparing all 64 lets garbage in the upper half pass (CVE-2019-10063).
  refuse('ioctl', 16, 29, { argument: 1, oneOf: Object.values(ioctlRequests) }),
  refuse('socket', 41, 198, { argument: 0, noneOf: SOCKET_FAMILIES }),
  refuse('socketpair', 53, 199, { argument: 0, noneOf: SOCKET_FAMILIES }),
  refuse('clone', 56, 220, { argument: 0, anyBitOf: NAMESPACE_FLAGS }),
  // Its flags lie in memory, where no filter can read them. ENOSYS, because then every libc falls back to clone.
  { name: 'clone3', number: { x64: 435, arm64: 435 }, errno: 'ENOSYS' },
  // A core limit of 1 keeps crashes from a core_pattern that is a program, which the kernel runs as root on the host; 0 does not. It is
  // kept without an error: programs with secrets set it to 0 and give up if they can't. Asking for it (no new limit) is allowed.
  { name: 'setrlimit', number: { x64: 160, arm64: 164 }, errno: null, when: [{ argument: 0, oneOf: [RLIMIT_CORE] }] },
  {
    name: 'prlimit64',
    number: { x64: 302, arm64: 261 },
    errno: null,
    when: [
      { argument: 1, oneOf: [RLIMIT_CORE] },
      { argument: 2, present: true },
    ],
  },
  // A sandbox's init has the user of its programs: one that limits its init's CPU time has it killed, and its own exit code with it.
  // A limit of one's own is set by pid 0, which every libc and shell does.
  refuse(
    'prlimit64',
    302,
    261,
    { argument: 0, present: true },
    { argument: 1, noneOf: [RLIMIT_CORE] },
    { argument: 2, present: true },
  ),

  // Namespaces.
  refuse('unshare', 272, 97),
  refuse('setns', 308, 268),

  // Other processes: their memory, registers, descriptors.
  refuse('ptrace', 101, 117),
  refuse('process_vm_readv', 310, 270),
  refuse('process_vm_writev', 311, 271),
  refuse('kcmp', 312, 272),
  refuse('pidfd_getfd', 438, 438),

  // Keyrings, which no namespace separates.
  refuse('add_key', 248, 217),
  refuse('request_key', 249, 218),
  refuse('keyctl', 250, 219),

  // Mounts, by the old calls and the new.
  refuse('mount', 165, 40),
  refuse('umount2', 166, 39),
  refuse('pivot_root', 155, 41),
  refuse('open_tree', 428, 428),
  refuse('move_mount', 429, 429),
  refuse('fsopen', 430, 430),
  refuse('fsconfig', 431, 431),
  refuse('fsmount', 432, 432),
  refuse('fspick', 433, 433),
  refuse('mount_setattr', 442, 442),
  refuse('statmount', 457, 457),
  refuse('listmount', 458, 458),
  refuse('open_tree_attr', 467, 467),

  // Files by handle, past every mount; watching all of a filesystem.
  refuse('open_by_handle_at', 304, 265),
  refuse('fanotify_init', 300, 262),

  // Large parts of the kernel that programs do without, and where most holes were found.
  refuse('bpf', 321, 280),
  refuse('perf_event_open', 298, 241),
  refuse('userfaultfd', 323, 282),
  refuse('io_uring_setup', 425, 425),
  refuse('io_uring_enter', 426, 426),
  refuse('io_uring_register', 427, 427),

  // The machine: its kernel, swap, accounting, log, clock.
  refuse('init_module', 175, 105),
  refuse('finit_module', 313, 273),
  refuse('delete_module', 176, 106),
  refuse('kexec_load', 246, 104),
  refuse('kexec_file_load', 320, 294),
  refuse('reboot', 169, 142),
  refuse('swapon', 167, 224),
  refuse('swapoff', 168, 225),
  refuse('acct', 163, 89),
  refuse('quotactl', 179, 60),
  refuse('quotactl_fd', 443, 443),
  refuse('syslog', 103, 116),
  refuse('settimeofday', 164, 170),
  refuse('clock_settime', 227, 112),
  refuse('clock_adjtime', 305, 266),
  refuse('adjtimex', 159, 171),

  // Only on x86.
  refuse('iopl', 172, null),
  refuse('ioperm', 173, null),
  refuse('modify_ldt', 154, null),
  refuse('uselib', 134, null),
];

/**
 * Where no cgroup keeps the limits. What System V IPC keeps lies in the kernel, and is in no process's sums. ENOSYS, as from a kernel
 * without it.
 */
export const WATCHED_POLICY: readonly SyscallRule[] = [
  ...SECCOMP_POLICY,
  { name: 'shmget', number: { x64: 29, arm64: 194 }, errno: 'ENOSYS' },
  { name: 'semget', number: { x64: 64, arm64: 190 }, errno: 'ENOSYS' },
  { name: 'msgget', number: { x64: 68, arm64: 186 }, errno: 'ENOSYS' },
  // The CPU limit is taskset's.
  refuse('sched_setaffinity', 203, 122),
];
