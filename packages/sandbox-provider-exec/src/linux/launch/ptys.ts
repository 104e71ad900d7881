import { sentenceOf } from '@ergon/sandbox-core';
import { runCommand } from '../../posix/command.js';

/** So many pseudo-terminals a launch may have. The kernel counts them for the whole machine, and else one sandbox could take them all. */
const MAX_PTYS = 16;

/** setns(2) and mount(2), which have no number in common. */
const CALLS: Readonly<Record<string, readonly [setns: number, mount: number]>> = { x64: [308, 165], arm64: [268, 40] };

/**
 * Enters the user namespace that bubblewrap made first and that owns the sandbox's mounts, in which its host user may mount (the program
 * is in one below, and may not), then the mounts, and sets the limit of the instance. A remount forgets what it is not told again: flags
 * and modes are bubblewrap's own.
 */
const SCRIPT = [
  '($pid, $setns, $mount, $max) = @ARGV;',
  'open(M, "<", "/proc/$pid/ns/mnt") or die "$!\\n";',
  '$owner = ioctl(M, 0xb701, 0) or die "$!\\n";', // NS_GET_USERNS
  'syscall($setns + 0, $owner + 0, 0x10000000) == 0 or die "$!\\n";', // CLONE_NEWUSER
  'syscall($setns + 0, fileno(M), 0x20000) == 0 or die "$!\\n";', // CLONE_NEWNS
  '($type, $at, $options) = ("devpts", "/dev/pts", "ptmxmode=0666,mode=0620,max=$max");',
  'syscall($mount + 0, $type, $at, $type, 0x20 | 0x8 | 0x2, $options) == 0 or die "$!\\n";', // MS_REMOUNT, MS_NOEXEC, MS_NOSUID
].join('\n');

/**
 * Limits how many terminals can be opened in a sandbox's own /dev/pts. Before its program begins.
 * @param uid host user of the sandbox; null: the server's own
 * @returns null, or the system's word for what went wrong
 */
export async function limitPtys(initPid: number, uid: number | null, signal?: AbortSignal): Promise<string | null> {
  const calls = CALLS[process.arch] ?? [];
  const words = ['-e', SCRIPT, ...[initPid, ...calls, MAX_PTYS].map(String)];
  try {
    const { code, stderr } = await runCommand('perl', words, { uid, ...(signal && { signal }) });
    return code === 0 ? null : stderr.trim() || 'it ended without a message';
  } catch (error) {
    signal?.throwIfAborted();
    return sentenceOf(error); // there is no perl
  }
}
