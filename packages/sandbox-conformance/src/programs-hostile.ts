import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/** A name that no file of anybody's has. */
const made = `.ergon-conformance-${randomBytes(8).toString('hex')}`;

/**
 * What hostile programs try. Providers that are being written run these too, perhaps without any wall: what could harm the machine is not tried
 * unless the wall that makes it harmless is seen to be there.
 */
export const hostile = {
  /** Prints each call that was not refused, then `done`. Numbers of x86-64 and of arm64. */
  calls: `import ctypes, os, platform, socket, sys
if os.geteuid() == 0 or 'CapEff:\\t0000000000000000' not in open('/proc/self/status').read(): sys.exit('this program is privileged: nothing was tried')
x64 = platform.machine() == 'x86_64'
libc = ctypes.CDLL(None, use_errno=True)
def call(name, number, *args):
  number = number[0 if x64 else 1]
  if number is None: return
  if libc.syscall(number, *args) != -1: print(name, 'was let through', flush=True)
b = ctypes.create_string_buffer
call('mount', (165, 40), b(b'x'), b(b'/tmp'), b(b'tmpfs'), 0, None)
call('fsopen', (430, 430), b(b'tmpfs'), 0)
call('open_tree', (428, 428), -100, b(b'/tmp'), 1)
call('pivot_root', (155, 41), b(b'/tmp'), b(b'/tmp'))
call('chroot', (161, 51), b(b'/tmp'))
for name, flag in (('user', 0x10000000), ('mount', 0x20000), ('network', 0x40000000), ('pid', 0x20000000)):
  call('unshare of a ' + name + ' namespace', (272, 97), flag)
call('setns', (308, 268), os.open('/proc/self/ns/net', 0), 0)
call('ptrace', (101, 117), 0, 0, 0, 0)
call('process_vm_readv', (310, 270), os.getpid(), None, 0, None, 0, 0)
call('add_key', (248, 217), b(b'user'), b(b'x'), b(b'y'), 1, -3)
call('keyctl', (250, 219), 0, -3, 1)
call('bpf', (321, 280), 0, b(bytes(64)), 48)
call('perf_event_open', (298, 241), b(bytes(112)), 0, -1, -1, 0)
call('userfaultfd', (323, 282), 1)
call('io_uring_setup', (425, 425), 1, b(bytes(120)))
call('open_by_handle_at', (304, 265), -100, b(bytes(64)), 0)
call('init_module', (175, 105), b(b''), 0, b(b''))
call('kexec_load', (246, 104), 0, 0, None, 0)
call('reboot', (169, 142), 0, 0, 0, None)
call('swapon', (167, 224), b(b'/tmp/x'), 0)
call('acct', (163, 89), None)
call('quotactl', (179, 60), 0, None, 0, None)
call('syslog', (103, 116), 3, b(16), 16)
call('settimeofday', (164, 170), b(bytes(16)), None)
call('iopl', (172, None), 3)
call('clone of a user namespace', (56, 220), 0x10000000 | 17, None, None, None, None)
call('mknod of a disk', (259, 33), -100, b(b'/tmp/disk'), 0o60666, (8 << 8))
for name, family, kind in (('AF_PACKET', 17, 3), ('AF_VSOCK', 40, 1), ('AF_ALG', 38, 5), ('raw', 2, 3)):
  try: socket.socket(family, kind); print('a socket of', name, 'was let through', flush=True)
  except OSError: pass
print('done')`,

  /** Ends a shell script, and says why, unless the processes that it can reach are its sandbox's alone. `$HOST` is of `hostProcesses`. */
  ownProcesses:
    '[ "$(cat /proc/sys/kernel/random/boot_id; readlink /proc/self/ns/pid)" != "$HOST" ] || { echo "shares the pid namespace of the host"; exit 99; };',

  /** Prints folders in which a file could be made, HOME by its name. */
  writableFolders:
    'find / \\( -path /proc -o -path /sys -o -path "$WORKSPACE_DIR" -o -path "$OUTPUT_DIR" -o -path /tmp \\) -prune -o -type d ' +
    '-exec sh -c \'for d; do [ -w "$d" ] && (: > "$d/' +
    made +
    '") 2>/dev/null && rm "$d/' +
    made +
    '" && case "$d" in "$HOME"|"$HOME"/*) echo "HOME";; *) echo "$d";; esac; done\' sh {} + 2>/dev/null; true',

  /** Prints files of the kernel and the system that could be opened for writing. Writes nothing. */
  writableFiles:
    'for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/overcommit_memory /proc/sysrq-trigger /proc/kcore ' +
    '/proc/sys/net/ipv4/ip_forward /sys/kernel/uevent_helper /etc/passwd /etc/hosts /etc/resolv.conf /dev/mem /dev/kmsg /dev/sda /dev/loop0; do ' +
    '(: >> "$f") 2>/dev/null && echo "$f"; done; for f in /sys/fs/cgroup/*/cgroup.procs /sys/fs/cgroup/cgroup.procs; do ' +
    '(echo $$ > "$f") 2>/dev/null && echo "$f"; done; true',

  /** `$1` is a folder of the host, made for it: a provider that does follow links must not harm the machine of its author. */
  plantLinks: `cd "\${WORKSPACE_DIR:?}" && rm -rf main.txt sub || exit 1
ln -s "$1" sub; ln -s "$1/sub/precious.txt" main.txt; ln -s "$1" direct; ln -s ../../../../../../../..$1 climbing
ln -s "../../oldroot$1" oldroot; ln -s "/proc/1/root$1" proc; ln -s "$1/sub/new" absent
mkdir d && ln -s "$1/sub" d/inner && ln "$1/sub/precious.txt" hard 2>/dev/null
cd "\${OUTPUT_DIR:?}" && ln -s "$1" out && ln -s "$1/sub/precious.txt" file
ln -s loop loop; ln -s "$WORKSPACE_DIR/nowhere" dangling; mkfifo fifo; true`,

  stubbornFiles: `import os
workspace, output = os.environ['WORKSPACE_DIR'], os.environ['OUTPUT_DIR']
os.chdir(workspace)
for i in range(3000): os.mkdir('d'); os.chdir('d')
os.chdir(workspace); os.makedirs('locked/in'); open('locked/in/x', 'w').close(); os.chmod('locked/in', 0); os.chmod('locked', 0)
os.mkdir(b'\\xff\\xfe'); open(b'\\xff\\xfe/\\x80', 'w').close(); open('-rf', 'w').close(); open('new\\nline', 'w').close()
os.chdir(output); os.mkfifo('fifo'); open('x' * 255, 'w').close(); os.mkdir('locked'); os.chmod('locked', 0)
for i in range(500): open('f%d' % i, 'w').close()
os.chmod(workspace, 0o000)
os.chmod(workspace, 0o700)
print('made')`,

  keepMemory: `import ctypes
libc = ctypes.CDLL(None)
libc.shmget(0, 4096, 0o1600); libc.semget(0, 1, 0o1600); libc.msgget(0, 0o1600)
try: open('/dev/shm/kept', 'w').close()
except OSError: pass`,
} as const;

/** The value of `$HOST`: this boot, and the pid namespace of this process. */
export function hostProcesses(): string {
  if (process.platform !== 'linux') return 'another system';
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')}${readlinkSync('/proc/self/ns/pid')}`;
}
