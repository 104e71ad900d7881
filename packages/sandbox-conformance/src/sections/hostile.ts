import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lookOf } from '../look.js';
import { hostProcesses, hostile as programs } from '../programs-hostile.js';
import { equal, holds } from '../promises.js';
import { begin } from '../sandbox.js';
import { needsAll, needsIsolation, needsOwnProcesses, needsPython, section } from '../suite.js';
import type { Section } from '../suite.js';
import { walls } from './walls.js';

export const hostile: Section = section('Hostile programs', [
  ...walls,
  {
    name: 'its init cannot be ended or stopped, and its end stays true',
    shares: true,
    needs: needsOwnProcesses,
    body: async (house) => {
      const sandbox = await house.shared();
      const run = await sandbox.sh(
        `${programs.ownProcesses} kill -9 1 2>/dev/null; kill -STOP 1 2>/dev/null; kill -TERM 1 2>/dev/null; sleep 0.2; echo alive; exit 6`,
        { environment: { HOST: hostProcesses() } },
      );
      equal([run.stdout, run.end.cause, run.end.exitCode], ['alive\n', 'exited', 6], {
        promise: 'What watches a program cannot be ended or deceived by it.',
        mend: 'Make it pid 1 of its own namespace, which such signals do not reach, or another user.',
      });
      const { end } = await sandbox.sh('kill -STOP $$', { timeoutMs: 500, killGraceMs: 200 });
      equal([end.cause, end.exitCode], ['timeout', null], {
        promise: 'A program that stops itself is ended at its deadline.',
        mend: 'SIGTERM waits while it is stopped: send SIGKILL after the grace.',
      });
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'links that it planted are not followed by later runs and clean-up: what they lead to on the host stays as it is',
    body: async (house) => {
      const victim = join(house.folder, `victim-${house.instanceId}`);
      await mkdir(join(victim, 'sub'), { recursive: true, mode: 0o700 });
      await writeFile(join(victim, 'sub', 'precious.txt'), 'precious', { mode: 0o600 });
      const before = await lookOf(victim);
      const sandbox = await house.sandbox({ files: { 'main.txt': 'main', 'sub/x': 'x' } });
      await sandbox.sh(programs.plantLinks, {}, [victim]);
      await sandbox.assertRunsAgain();
      await sandbox.cleanup();
      equal(await lookOf(victim), before, {
        promise: "The provider's own work never follows a link that a program planted.",
        mend: "chmod, chown, copy, list and remove as the sandbox's user and inside of its mounts, or without following links at any step.",
      });
    },
  },
  {
    name: 'what cannot be removed easily is removed: 3,000 nested folders, folders of mode 000, names that are no UTF-8',
    needs: needsPython,
    body: async (house) => {
      const sandbox = await house.sandbox();
      const run = await sandbox.run([house.python, '-c', programs.stubbornFiles]);
      equal([run.stdout, run.stderr, run.end.cause, run.end.reason], ['made\n', '', 'exited', null], {
        promise: 'A program may make such files, and is not disturbed at it.',
        mend: 'Refuse none of them, and let a watchdog cope with folders that it cannot enter, or that are being made.',
      });
      await sandbox.assertRunsAgain();
      equal(await sandbox.cleanup(), true, { promise: 'cleanup() removes whatever a program made.', mend: removal });
      await house.assertNothingLeft();
    },
  },
  {
    name: 'a fork storm that goes on during cleanup() leaves nothing',
    body: async (house) => {
      const sandbox = await house.sandbox({ limits: { pids: 60 } });
      const storm =
        'trap "" TERM HUP INT; storm() { trap "" TERM HUP INT; storm & storm & }; echo up; storm 2>/dev/null; while :; do storm 2>/dev/null; sleep 0.01; done';
      const { rest } = await begin(
        house.provider.execute(sandbox.id, ['/bin/sh', '-c', storm], { timeoutMs: 60_000, killGraceMs: 200 }),
      );
      const [cleaned] = await Promise.all([sandbox.cleanup(), rest]);
      equal(cleaned, true, {
        promise: 'cleanup() ends whatever runs.',
        mend: 'Kill all at once: freeze, or end the init.',
      });
      await house.assertNothingLeft();
    },
  },
  {
    name: 'an endless flood on both streams ends at its deadline, and the sandbox can run again',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      let bytes = 0;
      const run = await sandbox.sh('yes & yes >&2', {
        timeoutMs: 700,
        killGraceMs: 200,
        keep: false,
        onChunk: ({ data }) => (bytes += data.length),
      });
      holds(
        run.end.cause === 'timeout' && bytes > 1_000_000 && run.wallMs < 10_000,
        {
          promise: 'A flood of output does not hold up a deadline.',
          mend: 'Keep the timer and the kill out of the path of the output.',
        },
        { end: run.end, bytes, wallMs: run.wallMs },
      );
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'memory that outlives processes (System V IPC, POSIX queues, /dev/shm) does not outlive an execution',
    shares: true,
    needs: needsAll(needsIsolation, needsPython),
    body: async (house) => {
      const sandbox = await house.shared();
      await sandbox.run([house.python, '-c', programs.keepMemory]);
      const { stdout } = await sandbox.sh(
        'tail -n +2 /proc/sysvipc/shm /proc/sysvipc/msg /proc/sysvipc/sem 2>/dev/null | grep "[0-9]"; ls -A /dev/shm 2>/dev/null',
      );
      equal(stdout, '', {
        promise: 'Nothing but /workspace and /output persists between executions.',
        mend: 'Give each execution an IPC namespace of its own, or remove what is in it.',
      });
    },
  },
]);

const removal =
  "Node's rm fails on these: make folders writable without following links, then use rm(1), as the sandbox's user or inside of its mounts.";
