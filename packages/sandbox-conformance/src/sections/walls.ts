import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostProcesses, hostile as programs } from '../programs-hostile.js';
import { equal, holds } from '../promises.js';
import { hostSecret } from '../secret.js';
import { needsAll, needsClaim, needsIsolation, needsOwnProcesses, needsPython, part } from '../suite.js';

/** Programs of Linux behind walls: privileges and a filter of system calls are a part of them, a virtual machine's too. */
const needsWallsOfLinux = needsAll(
  needsIsolation,
  needsClaim('programs of Linux', ({ capabilities }) =>
    capabilities.platforms.some((each) => each.startsWith('linux/')),
  ),
);

/** What a program sees, reaches and may do. */
export const walls = part([
  {
    name: 'a program is no root, has no capability, and can gain none',
    shares: true,
    needs: needsWallsOfLinux,
    body: async (house) => {
      const sandbox = await house.shared();
      const { stdout } = await sandbox.sh('id -u; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status');
      const [uid = '', ...lines] = stdout.trim().split('\n');
      holds(
        Number(uid) > 0,
        { promise: 'A program runs as an unprivileged user.', mend: 'Never as uid 0, whatever an image says.' },
        uid,
      );
      const value = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}:`))?.split(/:\s+/)[1];
      const none = '0000000000000000';
      const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'];
      equal([...sets.map(value), value('NoNewPrivs')], [...sets.map(() => none), '1'], {
        promise: 'A program has no capability in any set, and no_new_privs.',
        mend: 'Drop all capabilities, the bounding set too, and set no_new_privs before the exec.',
      });
    },
  },
  {
    name: 'system calls that attack the kernel or other processes are refused: mount, namespaces, ptrace, bpf, keyrings, io_uring, …',
    shares: true,
    needs: needsAll(needsWallsOfLinux, needsPython),
    body: async (house) => {
      const sandbox = await house.shared();
      const run = await sandbox.run([house.python, '-c', programs.calls]);
      equal(run.stdout, 'done\n', {
        promise: 'Each of these calls fails.',
        mend: 'Load a seccomp filter that refuses them (clone3 with ENOSYS, so that libc falls back), and allow no nested user namespace.',
      });
      const seccomp = await sandbox.sh('grep ^Seccomp: /proc/self/status');
      equal(seccomp.stdout, 'Seccomp:\t2\n', {
        promise: 'A seccomp filter is on.',
        mend: 'Load it before the program.',
      });
    },
  },
  {
    name: 'nothing can be written but /workspace, /output and private temporary folders',
    shares: true,
    needs: needsIsolation,
    body: async (house) => {
      const sandbox = await house.shared();
      const { stdout } = await sandbox.sh(programs.writableFolders, { timeoutMs: 40_000 });
      const own = /^(\/(workspace|output|tmp|run|var\/tmp|dev\/shm|dev\/mqueue)|HOME)(\/|$)/;
      const found = stdout.split('\n').filter((line) => line !== '' && !own.test(line));
      equal(found, [], {
        promise:
          'The root is read-only; what can be written is the workspace, the output and private temporary folders.',
        mend: "Mount the root read-only, and /dev too; give no other folder to the program's user.",
      });
      const files = await sandbox.sh(programs.writableFiles);
      equal(files.stdout, '', {
        promise: 'Settings of the kernel cannot be written.',
        mend: 'Mount /proc/sys read-only and hide the rest; drop the uid before the namespace is made.',
      });
    },
  },
  {
    name: "no file of the host's is seen: not the server's state, not its folders, no socket, no disk",
    shares: true,
    needs: needsIsolation,
    body: async (house) => {
      const sandbox = await house.shared();
      const run = await beside(house.folder, async (open) => {
        const secret = join(open, 'host-file.txt');
        await writeFile(secret, hostSecret.value, { mode: 0o644 });
        return sandbox.sh(
          'cat "$1"; ls -A "$2" "$3"; ls -A /root /home/*/.ssh; for p in /proc/[0-9]*; do cat "$p/root$1" "$p/cwd/../host-file.txt"; done',
          {},
          [secret, open, house.folder],
        );
      });
      equal(run.stdout, '', {
        promise: "No path of the host's leads anywhere inside.",
        mend: 'Show only what programs need: runtimes, a few files of /etc, and the three folders.',
      });
      const { stdout } = await sandbox.sh(
        'ls /var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock 2>/dev/null; find / -path /proc -prune -o \\( -type s -o -type b \\) -print 2>/dev/null',
      );
      equal(stdout, '', {
        promise: "No socket and no disk of the host's is inside.",
        mend: 'Bind no folder that holds sockets, and make a /dev of your own with just null, zero, full, random, urandom, tty.',
      });
    },
  },
  {
    name: 'a virtual machine has a kernel of its own',
    shares: true,
    needs: needsAll(
      needsClaim('isolation virtual-machine', ({ capabilities }) => capabilities.isolation === 'virtual-machine'),
      needsWallsOfLinux,
    ),
    body: async (house) => {
      const sandbox = await house.shared();
      const { stdout } = await sandbox.sh('cat /proc/sys/kernel/random/boot_id');
      holds(
        /^[0-9a-f-]{36}\n$/.test(stdout) && !hostProcesses().startsWith(stdout),
        {
          promise: 'What claims to be a virtual machine does not run on the kernel of the host.',
          mend: 'Claim `namespaces` or `container`, or start a kernel: its boot_id is then another.',
        },
        stdout,
      );
    },
  },
  {
    name: 'processes of the host are neither seen nor reached',
    needs: needsOwnProcesses,
    body: async (house) => {
      const mark = `host-process-${house.instanceId}`;
      const child = spawn('/bin/sh', ['-c', 'read line', mark], { stdio: ['pipe', 'ignore', 'ignore'] });
      const exited = once(child, 'exit');
      await once(child, 'spawn');
      const look = async (): Promise<[string, boolean]> => {
        const sandbox = await house.sandbox();
        const { stdout } = await sandbox.sh(
          'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n"; kill -9 "$1" 2>/dev/null && echo "reached $1"; true',
          {},
          [String(child.pid)],
        );
        return [stdout, child.exitCode === null && child.signalCode === null];
      };
      const [stdout, alive] = await look().finally(async () => {
        child.stdin.end();
        await exited;
      });
      // Inside, these numbers may be given to others, or to none.
      equal([stdout.includes(mark), alive], [false, true], {
        promise: "A program neither sees nor reaches the host's processes.",
        mend: 'Give it a pid namespace of its own, with its own /proc.',
      });
    },
  },
]);

/** Works with a folder beside another, which everybody may enter: what cannot be seen in it was not kept away by its modes. */
async function beside<T>(folder: string, work: (open: string) => Promise<T>): Promise<T> {
  const open = await mkdtemp(`${folder}-open-`);
  await chmod(open, 0o755);
  return work(open).finally(() => rm(open, { recursive: true }));
}
