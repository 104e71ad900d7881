import type { ExecutionEnd } from '@ergon/sandbox-core';
import { programs } from '../programs.js';
import { equal, holds } from '../promises.js';
import type { House } from '../house.js';
import type { Run, RunOptions } from '../sandbox.js';
import { needsAll, needsPython, needsSignals, section } from '../suite.js';
import type { ConformanceTest, Section } from '../suite.js';

/** Programs that take a SIGTERM in different ways, and the exit code that is then seen. Each prints `up` when it is ready. */
const { beat } = programs;
const manners = [
  { what: 'that does nothing about SIGTERM', script: `echo up; ${beat}`, exitCode: null },
  { what: 'that ignores SIGTERM', script: `trap '' TERM; echo up; ${beat}`, exitCode: null },
  { what: 'that exits 9 within the grace', script: `trap 'exit 9' TERM; echo up; ${beat}`, exitCode: 9 },
  { what: 'that exits 0 within the grace', script: `trap 'exit 0' TERM; echo up; ${beat}`, exitCode: 0 },
  {
    what: 'whose grandchildren ignore SIGTERM and hold its output',
    script: `(trap '' TERM HUP; (trap '' TERM HUP; ${beat}) & sleep 1000) & echo up; sleep 1000`,
    exitCode: null,
  },
] as const;

export const endedByUs: Section = section('Deadlines and stops', [
  ...manners.map(({ what, script, exitCode }) => byTimeout(what, script, exitCode)),
  ...manners.map(({ what, script, exitCode }) => byStop(what, script, exitCode)),
  {
    name: 'a program that has ended before its deadline is not a timeout',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const { end } = await sandbox.sh('exit 3', { timeoutMs: 10_000 });
      equal([end.cause, end.exitCode], ['exited', 3], {
        promise: 'An end before the deadline is the own end of a program.',
        mend: 'Clear the timer when the tree is gone.',
      });
    },
  },
  {
    name: 'without killGraceMs the grace is a second',
    shares: true,
    needs: needsSignals,
    body: async (house) => {
      const sandbox = await house.shared();
      const late = 'trap "sleep 0.4; echo late; exit 9" TERM; echo up; while :; do sleep 0.05; done';
      const run = await sandbox.sh(late, { timeoutMs: 300 });
      equal([run.stdout, run.end.cause, run.end.exitCode], ['up\nlate\n', 'timeout', 9], {
        promise: 'Between SIGTERM and SIGKILL lies a second, unless another grace was asked for.',
        mend: 'killGraceMs is 1000 where it is absent.',
      });
    },
  },
  ...(['timeout', 'stopped'] as const).map(toWholeTree),
  {
    name: 'a deadline of a millisecond is a timeout, not a hang and not another cause',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const { end, wallMs } = await sandbox.sh('sleep 100', { timeoutMs: 1, killGraceMs: 0 });
      equal([end.cause, end.exitCode], ['timeout', null], {
        promise: 'A deadline that is over at once ends the run as `timeout`.',
        mend: 'Start the timer when the program has started, and let a kill before its first instruction work too.',
      });
      endsSoon(wallMs, 100);
    },
  },
  {
    name: 'a signal that was aborted beforehand: nothing of the program runs, and the end is stopped',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const { end, stdout } = await sandbox.sh('echo ran; echo ran > ran.txt', { signal: AbortSignal.abort() });
      equal([end.cause, end.exitCode, end.signal, stdout], ['stopped', null, null, ''], {
        promise: 'A run that was stopped before it started is `stopped`, without an exit code.',
        mend: 'Look at options.signal before anything is started.',
      });
      const { stdout: after } = await sandbox.sh('cat ran.txt 2>/dev/null; echo end');
      equal(after, 'end\n', {
        promise: 'Nothing runs of a program that was stopped before it started.',
        mend: 'Look at options.signal before anything is started.',
      });
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'a stop while the program is being started ends it as stopped',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      for (let i = 0; i < 3; i++) {
        const stop = new AbortController();
        const running = sandbox.sh('sleep 1000', { signal: stop.signal, killGraceMs: 100 });
        await new Promise((resolve) => setTimeout(resolve, i * 10));
        stop.abort();
        const { end, wallMs } = await running;
        equal([end.cause, end.exitCode], ['stopped', null], stopped);
        endsSoon(wallMs, 100);
      }
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'a reader that leaves ends the run as stopped, and its tree is gone',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const command = ['/bin/sh', '-c', `echo up; ${beat}`];
      for await (const chunk of house.provider.execute(sandbox.id, command, { timeoutMs: 30_000, killGraceMs: 100 })) {
        holds(chunk.data.length > 0, stopped);
        break;
      }
      const end = await sandbox.end();
      equal([end.cause, end.exitCode], ['stopped', null], {
        promise: "A reader's return() ends the run as `stopped`, and settles when its tree is gone.",
        mend: "Stop the run in the generator's finally, and wait there for its end.",
      });
      await sandbox.assertTreeIsGone();
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'the first cause wins: a stop shortly before the deadline is a stop',
    shares: true,
    needs: needsSignals,
    body: (house) => firstWins(house, 300, 700, 'stopped'),
  },
  {
    name: 'the first cause wins: a stop in the grace after the deadline is a timeout',
    shares: true,
    needs: needsSignals,
    body: (house) => firstWins(house, 700, 300, 'timeout'),
  },
]);

const stopped = {
  promise: 'A run that is ended by its signal is `stopped`.',
  mend: 'Keep the first cause (cause ??= "stopped"), and let no exit code change it.',
};

function byTimeout(what: string, script: string, exitCode: number | null): ConformanceTest {
  return {
    name: `a program ${what} meets its deadline: timeout, ${told(exitCode)}`,
    shares: true,
    ...(exitCode !== null && { needs: needsSignals }),
    body: async (house) => {
      const sandbox = await house.shared();
      const run = await sandbox.sh(script, { timeoutMs: 600, killGraceMs: 500 });
      assertEndedByUs(run, 'timeout', exitCode);
      await sandbox.assertTreeIsGone();
      await sandbox.assertRunsAgain();
    },
  };
}

function byStop(what: string, script: string, exitCode: number | null): ConformanceTest {
  return {
    name: `a program ${what} is stopped: stopped, ${told(exitCode)}`,
    shares: true,
    ...(exitCode !== null && { needs: needsSignals }),
    body: async (house) => {
      const sandbox = await house.shared();
      const stop = new AbortController();
      const options: RunOptions = { killGraceMs: 500, signal: stop.signal, onChunk: () => stop.abort() };
      assertEndedByUs(await sandbox.sh(script, options), 'stopped', exitCode);
      await sandbox.assertTreeIsGone();
      await sandbox.assertRunsAgain();
    },
  };
}

/** A child, a grandchild and one in a session of its own say that they were asked to end; the main process waits for them. */
const family = `member() { trap "echo $1; exit 0" TERM; echo up; while :; do sleep 0.05; done; }
trap 'wait; exit 9' TERM
member child &
(trap wait TERM; member grandchild & wait; wait) &
"$1" -c "$2" &
wait; wait`;

/** It writes by itself: a buffered print, interrupted by a handler that prints, fails. */
const stranger = `import os, signal, time
os.setsid()
def end(*_): os.write(1, b'stranger\\n'); os._exit(0)
signal.signal(signal.SIGTERM, end)
os.write(1, b'up\\n')
while True: time.sleep(0.05)`;

function toWholeTree(cause: 'timeout' | 'stopped'): ConformanceTest {
  const how = cause === 'timeout' ? 'at the deadline' : 'at a stop';
  return {
    name: `SIGTERM reaches the whole tree ${how}: children, grandchildren, and who left the session`,
    shares: true,
    needs: needsAll(needsSignals, needsPython),
    body: async (house) => {
      const sandbox = await house.shared();
      let [text, timeoutMs] = ['', 625];
      let run: Run;
      // On a busy machine a deadline may come before all of them are up, and then proves nothing.
      do {
        const stop = new AbortController();
        text = '';
        timeoutMs *= 4;
        run = await sandbox.sh(
          family,
          {
            killGraceMs: 5000,
            ...(cause === 'timeout' && { timeoutMs }),
            ...(cause === 'stopped' && { signal: stop.signal }),
            onChunk: ({ data }) => {
              text += Buffer.from(data).toString();
              if (text.split('up\n').length > 3) stop.abort();
            },
          },
          [house.python, stranger],
        );
      } while (text.split('up\n').length <= 3 && timeoutMs < 40_000);
      const said = run.stdout.split('\n').filter((line) => line !== 'up' && line !== '');
      equal([said.sort(), run.end.cause, run.end.exitCode], [['child', 'grandchild', 'stranger'], cause, 9], {
        promise:
          'What claims `signals` sends SIGTERM to every process of a run, and each has the grace to end by itself.',
        mend: 'Send it to all of the cgroup, namespace or container, not to the main process or its group.',
      });
      await sandbox.assertRunsAgain();
    },
  };
}

function told(exitCode: number | null): string {
  return exitCode === null ? 'without an exit code' : `with exit code ${exitCode}`;
}

function assertEndedByUs({ end, stdout, wallMs }: Run, cause: ExecutionEnd['cause'], exitCode: number | null): void {
  holds(
    stdout.startsWith('up\n'),
    { promise: 'What was printed before is told.', mend: 'Read the streams to their ends.' },
    stdout,
  );
  equal(
    { cause: end.cause, exitCode: end.exitCode, limitsHit: end.limitsHit },
    { cause, exitCode, limitsHit: [] },
    {
      promise: `An end by us is \`${cause}\`; its exit code is what the program exited with in the grace, else null.`,
      mend: 'Keep the first cause; 143 and 137 of the signals that you sent are no exit codes of the program.',
    },
  );
  endsSoon(wallMs, 1100);
}

function endsSoon(wallMs: number, dueMs: number): void {
  const promise = 'A run that is ended by its deadline or its signal is over soon after the grace.';
  holds(
    wallMs < dueMs + 6000,
    { promise, mend: 'Send SIGKILL to the whole tree when the grace is over.' },
    `${wallMs} ms`,
  );
}

/** A program that ignores SIGTERM: the second cause comes while it is in its grace. */
async function firstWins(house: House, stopMs: number, timeoutMs: number, cause: ExecutionEnd['cause']): Promise<void> {
  const sandbox = await house.shared();
  const stop = new AbortController();
  const { end } = await sandbox.sh("trap '' TERM; echo up; while :; do sleep 1; done", {
    timeoutMs,
    killGraceMs: 900,
    signal: stop.signal,
    onChunk: () => setTimeout(() => stop.abort(), stopMs),
  });
  equal([end.cause, end.exitCode], [cause, null], {
    promise: 'The first cause of an end wins.',
    mend: 'Set the cause once (cause ??= …), when the ending begins; what comes later changes nothing.',
  });
  await sandbox.assertRunsAgain();
}
