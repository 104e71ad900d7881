import { hostProcesses, hostile } from '../programs-hostile.js';
import { programs } from '../programs.js';
import { equal, holds } from '../promises.js';
import { needsOwnProcesses, section } from '../suite.js';
import type { Section } from '../suite.js';

const apart = {
  promise: 'Sandboxes at the same time see and reach nothing of each other.',
  mend: 'Give each its own processes, files and user; look for paths, uids and names that are the same for two of them.',
};

export const concurrency: Section = section('Concurrency', [
  {
    name: 'two running sandboxes see nothing of each other: files, processes; and one cannot end the other',
    needs: needsOwnProcesses,
    body: async (house) => {
      const [first, second] = [await house.sandbox(), await house.sandbox()];
      const mark = 'mark-of-the-first-sandbox';
      const script = `echo ${mark} | tee a "$OUTPUT_DIR/a" > /tmp/a; : ${mark}; echo up; ${programs.beat}`;
      const stop = new AbortController();
      const { ended } = await first.start(script, { signal: stop.signal, killGraceMs: 100 });
      const { stdout, end: other } = await second.sh(
        'cat /proc/[0-9]*/cmdline ./* "$OUTPUT_DIR"/* /tmp/* 2>/dev/null | tr "\\0" "\\n"; ' +
          `${hostile.ownProcesses} kill -9 -1 2>/dev/null; true`,
        { environment: { HOST: hostProcesses() } },
      );
      holds(!stdout.includes(mark) && other.exitCode !== 99, apart, stdout);
      const still = await Promise.race([ended, second.sh(':').then(() => null)]);
      equal(still, null, apart);
      stop.abort();
      const run = await ended;
      equal([run.end.cause, run.stdout], ['stopped', 'up\n'], apart);
      await first.assertRunsAgain();
    },
  },
  {
    name: 'cleanup() of one sandbox touches no other, idle or running',
    body: async (house) => {
      const [idle, running, removed] = [await house.sandbox(), await house.sandbox(), await house.sandbox()];
      await idle.sh('echo kept > mark');
      const stop = new AbortController();
      const { ended } = await running.start('echo up; sleep 100', { signal: stop.signal, killGraceMs: 100 });
      await removed.cleanup();
      const state = await Promise.race([
        ended.then(() => 'ended'),
        house.provider.cleanup('no-such-sandbox').then(() => 'runs'),
      ]);
      stop.abort();
      const { end } = await ended;
      const promised = {
        promise: 'cleanup() of one sandbox touches no other.',
        mend: 'Remove what carries exactly its sandbox id, not all of the instance, the solution or the user.',
      };
      equal([state, end.cause], ['runs', 'stopped'], promised);
      equal((await idle.sh('cat mark')).stdout, 'kept\n', promised);
    },
  },
  {
    name: 'ten sandboxes at once: each has its own files, output and end',
    body: async (house) => {
      const numbers = Array.from({ length: 10 }, (_, index) => index);
      const limits = { memoryBytes: 64 << 20, diskBytes: 16 << 20, cpus: 0.5 };
      const sandboxes = await Promise.all(
        numbers.map((index) => house.sandbox({ files: { name: `${index}\n` }, limits })),
      );
      const runs = await Promise.all(
        sandboxes.map((sandbox, index) =>
          sandbox.sh(`cat name; echo e$(cat name) >&2; yes ${index} | head -c 100000; exit ${index}`),
        ),
      );
      equal(
        runs.map(({ stdout, stderr, end }) => [stdout.slice(0, 2), stdout.length, stderr, end.cause, end.exitCode]),
        numbers.map((index) => [`${index}\n`, 100_002, `e${index}\n`, 'exited', index]),
        apart,
      );
      await Promise.all(sandboxes.map((sandbox) => sandbox.cleanup()));
      await house.assertNothingLeft();
    },
  },
  {
    name: 'sandboxes run at the same time, not one after the other',
    body: async (house) => {
      const sandboxes = await Promise.all([house.sandbox(), house.sandbox(), house.sandbox()]);
      const stop = new AbortController();
      const started = await Promise.all(
        sandboxes.map((sandbox) => sandbox.start('echo up; sleep 100', { signal: stop.signal, killGraceMs: 100 })),
      );
      stop.abort();
      const runs = await Promise.all(started.map(({ ended }) => ended));
      equal(
        runs.map(({ end }) => end.cause),
        ['stopped', 'stopped', 'stopped'],
        {
          promise: 'Several sandboxes run at the same time.',
          mend: 'Lock per sandbox, not per provider.',
        },
      );
    },
  },
  {
    name: 'ten executions one after another in one sandbox',
    body: async (house) => {
      const sandbox = await house.sandbox();
      for (let i = 1; i <= 10; i++) {
        const run = await sandbox.sh(`echo ${i} >> log; wc -l < log; exit ${i}`);
        equal([Number(run.stdout), run.end.exitCode], [i, i], {
          promise: 'A sandbox serves many executions, one after another.',
          mend: 'Make what one execution needs anew each time.',
        });
      }
    },
  },
]);
