import type { ProfilePaths } from '../profile.js';
import type { Decision, Request } from './evaluate.js';

/** Published profiles, and documents on how Seatbelt behaves. Nothing in this table was ever computed by us. */
const CHROMIUM = 'Chromium, sandbox/policy/mac/common.sb';
const CHROMIUM_RENDERER = 'Chromium, sandbox/policy/mac/renderer.sb';
const CHROMIUM_DESIGN = 'Chromium, sandbox/mac/seatbelt_sandbox_design.md';
const CODEX = 'OpenAI Codex, codex-rs/sandboxing/src/seatbelt_base_policy.sbpl';
const CODEX_FILES = 'OpenAI Codex, codex-rs/sandboxing/src/restricted_read_only_platform_defaults.sbpl';
const CODEX_NETWORK =
  'OpenAI Codex, codex-rs/core/src/seatbelt_network_policy.sbpl: added only where there is a network';
const CODEX_SOCKETS = 'OpenAI Codex, codex-rs/sandboxing/src/seatbelt.rs, unix_socket_policy';
const CODEX_REAL =
  'OpenAI Codex, seatbelt.rs, normalize_path_for_sandbox: paths are made canonical before they become rules';
const NIX = 'Nix, src/libstore/unix/build/sandbox-defaults.sb';
const BAZEL = 'Bazel, DarwinSandboxedSpawnRunner.java';
const SRT = 'sandbox-runtime, src/sandbox/macos-sandbox-utils.ts';
const GEMINI = 'Gemini CLI, packages/cli/src/utils/sandbox-macos-strict-open.sb';
const APPLE = 'Apple, /System/Library/Sandbox/Profiles/system.sb';
const HOMEBREW = 'Homebrew, Library/Homebrew/sandbox.rb';
const SWIFTPM = 'SwiftPM, Sources/Basics/Sandbox.swift';
const XNU =
  'XNU, bsd/kern/kern_sysctl.c, sysctl_procargsx: gives arguments and environment of every process of the same user';
const CRBUG_799149 =
  'https://crbug.com/799149, quoted in Chromium, renderer.sb: allowed by default, so they are denied by name';
const SRT_131 = 'sandbox-runtime issue 131: what leaves through a loopback rule';

export const python = '/opt/homebrew/Cellar/python@3.13/3.13.1/Frameworks/Python.framework/Versions/3.13';
const box = '/private/var/db/ergon/instance/box-1';

export const paths: ProfilePaths = {
  solution: '/Users/me/solutions/hello',
  workspace: `${box}/disk/workspace`,
  output: `${box}/disk/output`,
  home: `${box}/disk/home`,
  temporary: `${box}/disk/tmp`,
  runtimes: [python],
  executables: ['/usr/local/bin/node'],
  links: ['/opt/homebrew/bin/python3', `${box}/bin/python`],
};

export interface Row {
  readonly expected: Decision;
  readonly request: Request;
  /** Who needs it, or what it would give away. */
  readonly because: string;
  readonly source: string;
}

const rows: Row[] = [];
function say(expected: Decision, request: Request, because: string, source: string): void {
  rows.push({ expected, request, because, source });
}
function file(expected: Decision, operation: string, path: string, because: string, source: string): void {
  say(expected, { operation, path }, because, source);
}

// The sandbox's own folders.
file('allow', 'file-read-data', '/Users/me/solutions/hello/main.py', 'a program reads its files', GEMINI);
file(
  'allow',
  'file-map-executable',
  '/Users/me/solutions/hello/lib/native.so',
  'native modules are mapped',
  CODEX_FILES,
);
file('deny', 'file-write-data', '/Users/me/solutions/hello/main.py', 'inputs are read-only', BAZEL);
file('deny', 'file-write-create', '/Users/me/solutions/hello/new.py', 'inputs are read-only', BAZEL);
file('deny', 'file-write-unlink', '/Users/me/solutions/hello/main.py', 'a moved file is a way round a rule', SRT);
for (const folder of [paths.workspace, paths.output, paths.home, paths.temporary]) {
  file('allow', 'file-write-create', `${folder}/a/b.txt`, 'writes in the own folders', NIX);
  file('allow', 'file-read-data', `${folder}/a/b.txt`, 'reads in the own folders', NIX);
}
file('allow', 'file-write-data', paths.workspace, 'subpath is the folder itself as well', CHROMIUM_DESIGN);
for (const change of ['flags', 'owner', 'times', 'xattr']) {
  file('allow', `file-write-${change}`, `${paths.workspace}/a`, 'cp -p, tar, touch', NIX);
}
file('allow', 'file-write-unlink', `${paths.workspace}/a`, 'what was made can be removed', NIX);
file('allow', 'file-write-mode', `${paths.workspace}/a`, 'chmod +x of what was made', HOMEBREW);
file('allow', 'process-exec', `${paths.workspace}/a.out`, 'what was built is run', NIX);
file('deny', 'file-write-setugid', `${paths.workspace}/a.out`, 'a setuid file would outlive the sandbox', NIX);
file(
  'deny',
  'file-write-create',
  `${paths.workspace}x`,
  'subpath ends at a folder, not in the midst of a name',
  CHROMIUM_DESIGN,
);
file('deny', 'file-write-create', `${box}/profile.sb`, 'only the listed folders can be written', BAZEL);
file('deny', 'file-read-data', `${box}/profile.sb`, 'only the listed folders can be read', GEMINI);
file('allow', 'file-read-metadata', box, 'tools look at every folder above theirs', SRT);
file('deny', 'file-read-data', box, 'but those are not listed', SRT);

// Names are what the kernel made of them, with links followed.
file(
  'deny',
  'file-write-create',
  '/var/db/ergon/instance/box-1/disk/workspace/a',
  '/var is a link: no such real name',
  CODEX_REAL,
);
file('deny', 'file-write-create', '/private/tmp/a', 'the shared temporary folder is not the own one', NIX);
file('deny', 'file-write-create', '/tmp/a', 'the same by its other name', CODEX_REAL);
file('deny', 'file-read-data', '/private/tmp/other-program', 'what others keep there', GEMINI);
file('deny', 'file-write-create', '/private/var/folders/ab/cd/T/x', "the user's own temporary folder", SRT);
file('allow', 'file-read-metadata', '/tmp', 'it can be followed', APPLE);
file('allow', 'file-read-metadata', '/var', 'it can be followed', APPLE);
file('allow', 'file-read-metadata', '/etc', 'it can be followed', APPLE);

// People's files, and other sandboxes.
file('deny', 'file-read-data', '/Users/me/.ssh/id_ed25519', 'keys', GEMINI);
file('deny', 'file-read-data', '/Users/me/.aws/credentials', 'keys', GEMINI);
file('deny', 'file-read-data', '/Users/me/Library/Keychains/login.keychain-db', 'keys', CHROMIUM_DESIGN);
file('deny', 'file-read-data', '/Users/me', 'a home can not be listed', GEMINI);
file('allow', 'file-read-metadata', '/Users/me', 'it is on the way to the solution', SRT);
file('deny', 'file-read-metadata', '/Users/me/Documents', 'it is not', CHROMIUM_DESIGN);
file('deny', 'file-read-data', '/Users/me/solutions/other/main.py', 'another solution', BAZEL);
file('deny', 'file-read-data', '/private/var/db/ergon/instance/box-2/disk/workspace/a', 'another sandbox', BAZEL);
file(
  'deny',
  'file-write-create',
  '/Users/me/Library/LaunchAgents/evil.plist',
  'it would be run after the sandbox',
  BAZEL,
);
file('deny', 'file-write-data', '/Users/me/.zshrc', 'it would be run after the sandbox', SRT);
file('deny', 'file-read-data', '/Library/Application Support/secret', 'data of other software', CHROMIUM_DESIGN);
file('deny', 'file-read-data', '/Volumes/Share/file', 'other disks', CHROMIUM_DESIGN);

// The system.
file('allow', 'file-read-data', '/usr/lib/libSystem.B.dylib', 'every program loads it', CHROMIUM);
file('allow', 'file-map-executable', '/usr/lib/libSystem.B.dylib', 'every program maps it', CODEX_FILES);
file('allow', 'file-read-data', '/System/Library/Frameworks/Foundation.framework/Foundation', 'frameworks', CHROMIUM);
file('allow', 'file-map-executable', '/System/Library/Frameworks/Foundation.framework/Foundation', 'frameworks', APPLE);
file('allow', 'file-map-executable', '/System/Library/PrivateFrameworks/X.framework/X', 'frameworks', APPLE);
file(
  'allow',
  'file-read-data',
  '/System/Cryptexes/OS/System/Library/dyld/dyld_shared_cache_arm64e',
  'loader, macOS 13',
  CHROMIUM,
);
file(
  'allow',
  'file-map-executable',
  '/System/Volumes/Preboot/Cryptexes/OS/usr/lib/x.dylib',
  'loader, macOS 13',
  CHROMIUM,
);
file('allow', 'file-read-data', '/private/var/db/dyld/dyld_shared_cache_x86_64h', 'loader, macOS 10.15', APPLE);
file(
  'allow',
  'file-read-data',
  '/',
  'the loader opens it, and getcwd(3)',
  `${CODEX_FILES}; ai-jail issue 77, on macOS 26`,
);
file('allow', 'file-read-data', '/usr/share/icu/icudt70l.dat', 'text', CHROMIUM);
file('allow', 'file-read-data', '/usr/share/zoneinfo.default/UTC', 'time', CHROMIUM);
file('allow', 'file-read-data', '/private/var/db/timezone/tz/2025a/icutz/icutz44l.dat', 'time', CHROMIUM);
file(
  'allow',
  'file-read-data',
  '/System/Library/CoreServices/SystemVersion.plist',
  'programs ask for the version',
  NIX,
);
for (const library of [
  '/System/Library/SubFrameworks/X.framework/X',
  '/System/iOSSupport/System/Library/Frameworks/X.framework/X',
  '/Library/Apple/usr/lib/x.dylib',
  '/Library/Apple/System/Library/Frameworks/X.framework/X',
]) {
  file('allow', 'file-map-executable', library, 'libraries', CODEX_FILES);
}
for (const path of [
  '/System/Cryptexes/App/x',
  '/System/Volumes/Preboot/Cryptexes/App/System/x',
  '/System/Library/CoreServices/CoreTypes.bundle/Contents/Info.plist',
  '/System/Library/CoreServices/SystemVersion.bundle/x',
  '/System/Library/CoreServices/SystemVersionCompat.plist',
  '/System/Library/Preferences/Logging/x.plist',
]) {
  file('allow', 'file-read-data', path, 'the system', CHROMIUM);
}
file('allow', 'file-read-data', '/System/Library/dyld/dyld_shared_cache_arm64e', 'loader, macOS 11', APPLE);
for (const name of ['localtime', 'protocols', 'services', 'ssl/cert.pem']) {
  file('allow', 'file-read-data', `/private/etc/${name}`, 'libraries ask for it', CODEX_FILES);
}
file('allow', 'file-read-data', '/private/etc/passwd', 'names of users; it has no hashes', CHROMIUM);
file('deny', 'file-read-data', '/private/etc/master.passwd', 'Apple lets it through; nothing needs it', CHROMIUM);
file('deny', 'file-read-data', '/private/etc/sudoers', 'no file of it is needed', CHROMIUM);
file('allow', 'file-read-data', '/private/var/select/sh', '/bin/sh reads it, macOS 10.15', NIX);
file('allow', 'file-read-data', '/Library/Apple/usr/libexec/oah/libRosettaRuntime', 'Rosetta', NIX);
file('allow', 'process-exec', '/bin/sh', 'shells', CODEX);
file('allow', 'file-read-data', '/usr/bin/env', 'a program is read when it is run', CODEX_FILES);
file('allow', 'process-exec', '/usr/bin/env', 'tools', CODEX);
file('deny', 'process-exec', '/usr/local/bin/docker', 'the engine gives the host away', GEMINI);
file('deny', 'process-exec', '/Applications/Docker.app/Contents/MacOS/Docker Desktop', 'the same', GEMINI);
file('deny', 'file-write-data', '/usr/local/bin/node', 'software is read-only', HOMEBREW);
file('deny', 'file-write-create', '/usr/lib/x.dylib', 'the system is read-only', BAZEL);
file('deny', 'file-map-executable', '/usr/local/lib/log/x.dylib', '"inject code here", says Apple', APPLE);

// Language runtimes.
file('allow', 'process-exec', `${python}/bin/python3.13`, 'the interpreter', CODEX);
file('allow', 'file-read-data', `${python}/lib/python3.13/os.py`, 'its library', CODEX_FILES);
file('allow', 'file-map-executable', `${python}/lib/python3.13/lib-dynload/_ssl.so`, 'its modules', CODEX_FILES);
file('deny', 'file-write-create', `${python}/lib/python3.13/site-packages/x.py`, 'it is read-only', HOMEBREW);
file('allow', 'process-exec', '/usr/local/bin/node', 'a single program', CHROMIUM);
file('deny', 'process-exec', '/usr/local/bin/npm', 'and no other of that folder', CHROMIUM);
file('allow', 'file-read-metadata', '/opt/homebrew/bin/python3', 'a link on the way to the interpreter', CHROMIUM);
file('allow', 'file-read-metadata', '/opt/homebrew/Cellar', 'folders on the way to it', SRT);
file(
  'allow',
  'file-read-data',
  '/System/Library/OpenSSL/openssl.cnf',
  'Node ends at its start if it may not look for it',
  'nodejs/node issue 62230; openai/codex issue 28894, on macOS 26',
);
file('deny', 'file-read-data', '/opt/homebrew/etc/secret.conf', 'what else is there', CHROMIUM_DESIGN);

// Devices.
for (const operation of ['file-read-data', 'file-write-data', 'file-ioctl']) {
  file('allow', operation, '/dev/dtracehelper', 'the loader opens it in every program', `${APPLE}; ${CHROMIUM}`);
}
file('allow', 'file-read-data', '/dev/urandom', 'random numbers', CHROMIUM);
file('allow', 'file-write-data', '/dev/null', 'every shell script', CODEX);
file('allow', 'file-write-data', '/dev/fd/1', 'echo > /dev/stdout', CODEX_FILES);
file('allow', 'file-read-metadata', '/dev/stdout', 'a link to the one before', CODEX_FILES);
file('deny', 'file-write-data', '/dev/tty', "the server's own terminal", HOMEBREW);
file('deny', 'file-ioctl', '/dev/ttys001', 'TIOCSTI into the terminal of a person', HOMEBREW);
file('deny', 'file-read-data', '/dev/disk0', 'the raw disk', CHROMIUM);
file('deny', 'file-write-data', '/dev/rdisk0', 'the raw disk', CHROMIUM);

// The network, of which there is none.
const remote = (ip: string): Request => ({ operation: 'network-outbound', remote: { ip } });
say('deny', remote('93.184.216.34:443'), 'the internet', CODEX_NETWORK);
say('deny', remote('localhost:8080'), 'services of the host', SRT_131);
say('deny', remote('127.0.0.1:2375'), "the engine's own port", SRT_131);
say('deny', remote('169.254.169.254:80'), 'metadata of a cloud', CODEX_NETWORK);
say('deny', remote('8.8.8.8:53'), 'names carry data out', CODEX_NETWORK);
say('deny', { operation: 'network-bind', local: { ip: 'localhost:8080' } }, 'others could connect to it', NIX);
say('deny', { operation: 'network-inbound', local: { ip: '*:8080' } }, 'others could connect to it', NIX);
for (const domain of ['AF_INET', 'AF_INET6', 'AF_SYSTEM'] as const) {
  say('deny', { operation: 'system-socket', domain }, 'not even a socket', CODEX_NETWORK);
}
say('allow', { operation: 'system-socket', domain: 'AF_UNIX' }, 'sockets between own processes', CODEX_SOCKETS);
const unix = (path: string): Request => ({ operation: 'network-outbound', remote: { unix: path } });
say('allow', unix(`${paths.temporary}/listener`), 'sockets between own processes', CODEX_SOCKETS);
say('allow', { operation: 'network-bind', local: { unix: `${paths.temporary}/s` } }, 'the same', CODEX_SOCKETS);
say('deny', { operation: 'network-bind', local: { unix: '/private/tmp/s' } }, 'in own folders only', CODEX_SOCKETS);
say('deny', unix('/private/var/run/docker.sock'), 'the engine gives the host away', GEMINI);
say('deny', unix('/Users/me/.docker/run/docker.sock'), 'the engine gives the host away', GEMINI);
say('deny', unix('/private/var/run/mDNSResponder'), 'names carry data out', SWIFTPM);
say('deny', unix('/private/var/run/syslog'), "the system's log", APPLE);
say('deny', unix('/private/tmp/com.apple.launchd.x/Listeners'), "a user's ssh-agent", SRT);

// Mach services.
const service = (name: string): Request => ({ operation: 'mach-lookup', name });
say('allow', service('com.apple.system.opendirectoryd.libinfo'), 'getpwuid(3)', NIX);
for (const [name, because] of [
  ['com.apple.SecurityServer', 'keychains'],
  ['com.apple.trustd.agent', 'it fetches from the network'],
  ['com.apple.networkd', 'the network'],
  ['com.apple.SystemConfiguration.configd', 'configuration of the network'],
] as const) {
  say('deny', service(name), because, CODEX_NETWORK);
}
say('deny', service('com.apple.securityd.xpc'), 'keychains', `${SRT}, which allows it`);
say('deny', service('com.apple.coreservices.launchservicesd'), 'it starts programs outside', `${SRT}, which allows it`);
say('deny', service('com.apple.bsd.dirhelper'), "the user's own temporary folder", CODEX_NETWORK);
say('deny', service('com.apple.sysmond'), 'lists every process', `${GEMINI}: "for process listing (e.g. for pgrep)"`);
say('deny', service('com.apple.pasteboard.1'), "a person's clipboard", CHROMIUM_DESIGN);
say('deny', service('com.apple.windowserver.active'), "a person's screen", `${SRT}, which has it for GPUs only`);
say('deny', service('com.docker.vmnetd'), 'the engine gives the host away', GEMINI);
say('deny', { operation: 'mach-register', name: 'x' }, 'no service for others', CHROMIUM_DESIGN);
say('deny', { operation: 'mach-priv-task-port', target: 'others' }, 'memory of other processes', CHROMIUM_DESIGN);
say('deny', { operation: 'mach-host-special-port-set' }, 'Codex had mach-host* and dropped it', CODEX);
say('deny', { operation: 'appleevent-send', name: 'com.apple.Finder' }, 'it makes other programs act', CHROMIUM_DESIGN);

// The kernel.
for (const name of `hw.activecpu hw.busfrequency_compat hw.byteorder hw.cacheconfig hw.cachelinesize_compat hw.cpufamily
  hw.cpufrequency_compat hw.cputype hw.l1dcachesize_compat hw.l1icachesize_compat hw.l2cachesize_compat hw.l3cachesize_compat
  hw.logicalcpu_max hw.machine hw.nperflevels hw.packages hw.pagesize_compat hw.pagesize hw.physicalcpu hw.physicalcpu_max
  hw.logicalcpu hw.cpufrequency hw.tbfrequency_compat hw.vectorunit kern.argmax kern.hostname kern.maxfilesperproc kern.osrelease
  kern.ostype kern.osvariant_status kern.osversion kern.secure_kernel kern.usrstack64 kern.version sysctl.proc_cputype
  vm.loadavg`.split(/\s+/)) {
  say('allow', { operation: 'sysctl-read', name }, 'runtimes ask for it', CODEX);
}
const sysctl = (operation: string, name: string): Request => ({ operation, name });
say('allow', sysctl('sysctl-read', 'hw.ncpu'), 'how many CPUs', CHROMIUM);
say('allow', sysctl('sysctl-read', 'hw.memsize'), 'how much memory', CODEX);
say('allow', sysctl('sysctl-read', 'hw.model'), 'os.cpus() of Node', `${CODEX}; openai/codex pull request 11277`);
say(
  'allow',
  sysctl('sysctl-read', 'machdep.cpu.brand_string'),
  'os.cpus() of Node',
  `${CODEX}; openai/codex pull request 11277`,
);
say('allow', sysctl('sysctl-read', 'hw.optional.arm.FEAT_SHA512'), 'what the CPU can do', GEMINI);
say('allow', sysctl('sysctl-read', 'hw.perflevel0.logicalcpu'), 'what the CPU has', GEMINI);
say('allow', sysctl('sysctl-read', 'kern.osproductversion'), 'which system', CHROMIUM);
say('deny', sysctl('sysctl-read', 'kern.procargs2'), 'secrets in environments', XNU);
say('deny', sysctl('sysctl-read', 'kern.proc.all'), 'all processes of the host', `${CHROMIUM}: the own one only`);
say('deny', sysctl('sysctl-read', 'net.routetable.0.0.3.0'), 'addresses of the host', CODEX_NETWORK);
say('deny', sysctl('sysctl-write', 'kern.hostname'), 'nothing is set', CHROMIUM);
say('allow', { operation: 'process-fork' }, 'children', NIX);
say('allow', { operation: 'signal', target: 'same-sandbox' }, 'a shell ends its jobs', NIX);
say('allow', { operation: 'signal', target: 'self' }, 'raise(3)', GEMINI);
say('deny', { operation: 'signal', target: 'others' }, 'the server, and what else a user runs', NIX);
say('allow', { operation: 'process-info-pidinfo', target: 'same-sandbox' }, 'own processes', CODEX);
say('deny', { operation: 'process-info-pidinfo', target: 'others' }, 'what others run', CRBUG_799149);
say('deny', { operation: 'process-info-listpids', target: 'others' }, 'what others run', CRBUG_799149);
say('deny', { operation: 'iokit-get-properties' }, 'serial numbers of the machine', CRBUG_799149);
say('deny', { operation: 'nvram-get' }, "the machine's settings", CRBUG_799149);
say('deny', { operation: 'iokit-open', name: 'IOSurfaceRootUserClient' }, 'drivers', CHROMIUM_RENDERER);
say('allow', { operation: 'ipc-posix-sem' }, 'multiprocessing in Python', CODEX);
say('deny', { operation: 'ipc-posix-shm-write-create', name: 'com.docker.x' }, 'memory of others, by its name', GEMINI);
say('deny', { operation: 'user-preference-write' }, "a person's settings", CHROMIUM_RENDERER);
say('deny', { operation: 'user-preference-read' }, "a person's settings", CHROMIUM_DESIGN);
say('deny', { operation: 'job-creation' }, 'launchd would run it outside', CHROMIUM_DESIGN);
say('deny', { operation: 'system-privilege' }, 'nothing else either', CHROMIUM_DESIGN);
say('deny', { operation: 'file-mknod', path: `${paths.workspace}/disk` }, 'devices', CHROMIUM_DESIGN);
say(
  'deny',
  { operation: 'file-link', path: '/Users/me/.ssh/authorized_keys' },
  'a second name for a file outside',
  CHROMIUM_DESIGN,
);

export const decisions: readonly Row[] = rows;
