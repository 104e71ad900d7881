/** What `programs/attacks.py` prints without a filter, so that a refusal is the filter's. On arm64 it makes no call as 32 bit. */
export const OPEN: Readonly<Record<string, unknown>> = {
  'be traced': 'works',
  'read memory': 'works',
  'steal a descriptor': 'works',
  'open a tree of mounts': 'works',
  'leave a namespace': 'works',
  'clone into a namespace': 'works',
  'clone into a namespace, with garbage': 'works',
  clone3: 'EINVAL',
  'limit its parent': 'works',
  // EIO where the system switched it off for all (sysctl dev.tty.legacy_tiocsti).
  TIOCSTI: expect.stringMatching(/works|EIO/) as unknown,
  'TIOCSTI, with garbage': expect.stringMatching(/works|EIO/) as unknown,
  'TIOCLINUX, with garbage': 'ENOTTY',
  'socket of no family': 'EAFNOSUPPORT',
  'socket of family 45, with garbage': 'EAFNOSUPPORT',
  ...(process.arch === 'x64' && { 'call as 32 bit': 'works' }),
};

/** What it prints under the filter: all of it. */
export const REFUSED: Readonly<Record<string, string>> = {
  'be traced': 'EPERM',
  'read memory': 'EPERM',
  'steal a descriptor': 'EPERM',
  'open a tree of mounts': 'EPERM',
  'leave a namespace': 'EPERM',
  'clone into a namespace': 'EPERM',
  'clone into a namespace, with garbage': 'EPERM',
  clone: 'works',
  clone3: 'ENOSYS',
  'limit its parent': 'EPERM',
  'limit itself': 'works',
  TIOCSTI: 'EPERM',
  'TIOCSTI, with garbage': 'EPERM',
  'TIOCLINUX, with garbage': 'EPERM',
  'TIOCGWINSZ, with garbage': 'works',
  'socket of no family': 'EPERM',
  'socket of family vsock': 'EPERM',
  'socket of family 45, with garbage': 'EPERM',
  'socket of family unix, with garbage': 'works',
  ...(process.arch === 'x64' && { 'call as 32 bit': 'SIGSYS' }),
};

/** What ordinary programs print that can do all that they do elsewhere. */
export const ORDINARY = [
  {
    interpreter: 'python3',
    program: 'ordinary.py',
    works: 'threads subprocesses processes sockets event_loop files terminals clocks',
  },
  { interpreter: 'node', program: 'ordinary.mjs', works: 'files worker child process http thread pool webassembly' },
  { interpreter: 'sh', program: 'ordinary.sh', works: 'pipeline background subshell file trap fork xargs' },
] as const;
