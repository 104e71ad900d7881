import { SandboxError } from '@ergon/sandbox-core';
import { ancestorsOf } from './paths.js';

/** Host paths that a sandbox is about. All of them real: absolute, and without links. */
export interface ProfilePaths {
  /** Read-only. */
  readonly solution: string;
  /** The program's own: it may read and write what is below. */
  readonly workspace: string;
  readonly output: string;
  readonly home: string;
  readonly temporary: string;
  /** Folders of language runtimes, read-only. */
  readonly runtimes: readonly string[];
  /** Single programs from folders where other things live too. */
  readonly executables: readonly string[];
  /** Links by which those are found. They can be read as links; what they lead to has to be allowed by itself. */
  readonly links: readonly string[];
}

/** A Seatbelt profile, and what its `(param "KEY")` stand for. */
export interface Profile {
  readonly text: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * The sandbox's rules for macOS, in the language of sandbox-exec(1). Everything is denied but what stands here. No path of a sandbox is
 * ever part of the text: each comes in as a parameter, so that there is nothing to quote.
 *
 * The order of rules decides nothing. Published descriptions differ in what wins where several match: the last, the one without a
 * filter, the one for the narrower operation. So one operation is either denied as a whole at the top, or allowed for what is listed.
 *
 * There is one network mode: none. An address in a rule can only be `localhost` or `*`, so nothing could be opened that leaves the
 * machine's own services, or a cloud's metadata service, closed.
 *
 * @throws SandboxError SANDBOX008 for a path that can't be part of a profile
 */
export function macosProfile(paths: ProfilePaths): Profile {
  const parameters = new Map<string, string>();
  const add = (name: string, path: string): string => {
    requireReal(path);
    parameters.set(name, path);
    return `(param "${name}")`;
  };
  const subpath = (name: string, path: string): string => `(subpath ${add(name, path)})`;
  const numbered = (name: string, all: readonly string[], filter: string): string[] =>
    all.map((path, index) => `(${filter} ${add(`${name}_${index}`, path)})`);

  const solution = subpath('SOLUTION', paths.solution);
  const own = [
    subpath('WORKSPACE', paths.workspace),
    subpath('OUTPUT', paths.output),
    subpath('HOME_FOLDER', paths.home),
    subpath('TEMPORARY', paths.temporary),
  ];
  const runtimes = numbered('RUNTIME', paths.runtimes, 'subpath');
  const executables = numbered('EXECUTABLE', paths.executables, 'literal');
  const links = numbered('LINK', paths.links, 'literal');
  const all = [...parameters.values()];
  const ancestors = numbered('ANCESTOR', ancestorsOf([...all, ...SYSTEM_READ, ...DEVICES_READ]), 'literal');
  const programs = [...runtimes, ...executables, solution, ...own];

  const text = [
    '(version 1)',
    '(deny default)',
    '; Allowed by default in spite of that: https://crbug.com/799149',
    '(deny iokit-get-properties process-info* nvram*)',
    '; Processes. Children have the same profile. What is setuid can not be executed in a sandbox.',
    rule(['process-fork']),
    rule(['process-exec'], [...constants('subpath', SYSTEM_PROGRAMS), ...programs]),
    rule(['signal', 'process-info*'], ['(target same-sandbox)']),
    '; What language runtimes ask of the kernel. Not kern.proc*: those tell of all processes, with their environments.',
    rule(['sysctl-read'], [...constants('sysctl-name', SYSCTLS), ...constants('sysctl-name-prefix', SYSCTL_PREFIXES)]),
    '; Who the user is, and the semaphores of multiprocessing in Python.',
    rule(['mach-lookup'], ['(global-name "com.apple.system.opendirectoryd.libinfo")']),
    rule(['ipc-posix-sem']),
    '; Sockets in own folders. None of the network.',
    rule(['system-socket'], ['(socket-domain AF_UNIX)']),
    rule(
      ['network-bind'],
      own.map((filter) => `(local unix-socket ${filter})`),
    ),
    rule(
      ['network-outbound'],
      own.map((filter) => `(remote unix-socket ${filter})`),
    ),
    '; The system: libraries, programs and their data. The loader opens / itself.',
    rule(['file-read*'], [...constants('literal', ['/']), ...constants('subpath', SYSTEM_READ)]),
    rule(['file-map-executable'], [...constants('subpath', SYSTEM_LIBRARIES), ...programs]),
    rule(['file-read*'], constants('literal', DEVICES_READ)),
    rule(['file-write-data'], constants('literal', DEVICES_WRITE)),
    rule(['file-read*', 'file-write-data', 'file-ioctl'], constants('literal', ['/dev/dtracehelper'])), // every program's loader opens it
    rule(['file-read-data', 'file-read-metadata', 'file-write-data'], constants('subpath', ['/dev/fd'])),
    '; The way to what is allowed: that it exists, not what else is there.',
    rule(['file-read-metadata'], [...constants('literal', SYSTEM_LINKS), ...ancestors, ...links]),
    '; The sandbox. Listed one by one: file-write* would have setuid and mounting in it.',
    rule(['file-read*'], programs),
    rule(WRITES, own),
    '',
  ].join('\n');
  return { text, parameters };
}

const SYSTEM_PROGRAMS = ['/bin', '/sbin', '/usr/bin', '/usr/sbin', '/usr/libexec'];

/** Code that a program may map. From macOS 13 on the loader's cache is in a cryptex. */
const SYSTEM_LIBRARIES = [
  '/usr/lib',
  '/System/Library/Frameworks',
  '/System/Library/PrivateFrameworks',
  '/System/Library/SubFrameworks',
  '/System/iOSSupport/System/Library',
  '/System/Cryptexes/App',
  '/System/Cryptexes/OS',
  '/System/Volumes/Preboot/Cryptexes/App/System',
  '/System/Volumes/Preboot/Cryptexes/OS',
  '/Library/Apple/usr/lib',
  '/Library/Apple/System/Library',
];

const SYSTEM_READ = [
  ...SYSTEM_PROGRAMS,
  ...SYSTEM_LIBRARIES,
  '/Library/Apple/usr/libexec/oah', // Rosetta
  '/System/Library/dyld',
  '/System/Library/CoreServices/CoreTypes.bundle',
  '/System/Library/CoreServices/SystemVersion.bundle',
  '/System/Library/CoreServices/SystemVersion.plist',
  '/System/Library/CoreServices/SystemVersionCompat.plist',
  '/System/Library/OpenSSL', // Node ends at its start if it may not look there; there is nothing
  '/System/Library/Preferences/Logging',
  '/private/etc/localtime',
  '/private/etc/passwd', // has no hashes
  '/private/etc/protocols',
  '/private/etc/services',
  '/private/etc/ssl',
  '/private/var/db/dyld', // until macOS 10.15
  '/private/var/db/timezone',
  '/private/var/select', // which shell /bin/sh is
  '/usr/share',
];

/** Places of the system that are links, and are named so. */
const SYSTEM_LINKS = ['/etc', '/tmp', '/var', '/dev/stdin', '/dev/stdout', '/dev/stderr'];

const DEVICES_READ = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom', '/dev/autofs_nowait'];
const DEVICES_WRITE = ['/dev/null', '/dev/zero'];

const WRITES = [
  'file-write-create',
  'file-write-data',
  'file-write-flags',
  'file-write-mode',
  'file-write-owner',
  'file-write-times',
  'file-write-unlink',
  'file-write-xattr',
];

const SYSCTLS = [
  'hw.activecpu',
  'hw.busfrequency_compat',
  'hw.byteorder',
  'hw.cacheconfig',
  'hw.cachelinesize_compat',
  'hw.cpufamily',
  'hw.cpufrequency',
  'hw.cpufrequency_compat',
  'hw.cputype',
  'hw.l1dcachesize_compat',
  'hw.l1icachesize_compat',
  'hw.l2cachesize_compat',
  'hw.l3cachesize_compat',
  'hw.logicalcpu',
  'hw.logicalcpu_max',
  'hw.machine',
  'hw.memsize',
  'hw.model',
  'hw.ncpu',
  'hw.nperflevels',
  'hw.packages',
  'hw.pagesize',
  'hw.pagesize_compat',
  'hw.physicalcpu',
  'hw.physicalcpu_max',
  'hw.tbfrequency_compat',
  'hw.vectorunit',
  'kern.argmax',
  'kern.hostname',
  'kern.maxfilesperproc',
  'kern.osproductversion',
  'kern.osrelease',
  'kern.ostype',
  'kern.osvariant_status',
  'kern.osversion',
  'kern.secure_kernel',
  'kern.usrstack64',
  'kern.version',
  'machdep.cpu.brand_string',
  'sysctl.proc_cputype',
  'vm.loadavg',
];
const SYSCTL_PREFIXES = ['hw.optional.arm', 'hw.perflevel'];

function rule(operations: readonly string[], filters: readonly string[] = []): string {
  return `(allow ${[operations.join(' '), ...filters].join('\n  ')})`;
}

/** Only for words of ours, which have nothing to quote. */
function constants(filter: string, words: readonly string[]): string[] {
  return words.map((word) => `(${filter} "${word}")`);
}

function requireReal(path: string): void {
  const parts = path.split('/');
  const real = parts[0] === '' && path !== '/' && !path.includes('\0');
  if (real && parts.slice(1).every((part) => part !== '' && part !== '.' && part !== '..')) return;
  throw new SandboxError('SANDBOX008', `The folder ${JSON.stringify(path)} can't be part of a sandbox's profile.`);
}
