import { constants } from 'node:os';
import { endsAs } from '../end.js';
import { equal, holds, isSentence } from '../promises.js';
import type { House } from '../house.js';
import { needsOwnProcesses, needsPython, section } from '../suite.js';
import type { ConformanceTest, Need, Section } from '../suite.js';
import { hostProcesses, hostile } from '../programs-hostile.js';
import { programs } from '../programs.js';

interface Daemon {
  readonly what: string;
  readonly script: string;
  readonly needs?: Need;
}

const daemons: readonly Daemon[] = [
  { what: 'holds its output', script: `(${programs.beat}) & echo done; exit 7` },
  {
    what: 'ignores all signals that can be',
    script: `(trap '' HUP INT TERM QUIT; ${programs.beat}) & echo done; exit 7`,
  },
  {
    what: 'left its session and was forked twice',
    script: '"$PYTHON" -c "$DAEMON"; echo done; exit 7',
    needs: needsPython,
  },
];

export const ends: Section = section('Ends', [
  ...[0, 1, 2, 42, 126, 127, 128, 130, 137, 139, 141, 143, 255].map(exits),
  ...[
    'SIGHUP',
    'SIGQUIT',
    'SIGILL',
    'SIGTRAP',
    'SIGABRT',
    'SIGFPE',
    'SIGKILL',
    'SIGUSR1',
    'SIGSEGV',
    'SIGALRM',
    'SIGTERM',
  ].map((signal) => diesBy(signal)),
  ...['SIGINT', 'SIGPIPE'].map(diesOrExits),
  crash('a wild pointer', 'SIGSEGV', programs.wildPointer),
  crash('an endless recursion', 'SIGSEGV', programs.deepRecursion),
  crash('a page beyond the end of its file', 'SIGBUS', programs.beyondTheFile),
  crash('abort()', 'SIGABRT', programs.abort),
  notStarted('that is nowhere on PATH', ['no-such-program-at-all']),
  notStarted('by a path that is nowhere', ['/no/such/program']),
  notStarted('that is not executable', ['./text.txt']),
  notStarted('that is a folder', ['./']),
  notStarted('whose interpreter is missing', ['./missing-interpreter']),
  {
    name: 'a shell that cannot find a program exits 127 by itself',
    shares: true,
    body: (house) =>
      endsByItself(house, ['/bin/sh', '-c', 'no-such-program-at-all 2>/dev/null'], {
        parts: { cause: 'exited', exitCode: 127, signal: null },
        promise: 'A 127 of a shell that ran is an exit, not a program that was not started.',
        mend: 'Tell a failed exec apart by a word that the program cannot know, not by the number 127.',
      }),
  },
  {
    name: 'a child that dies by a signal does not make the end of its parent one',
    shares: true,
    body: (house) =>
      endsByItself(house, ['/bin/sh', '-c', "sh -c 'kill -SEGV $$'; sh -c 'kill -KILL $$'; exit 5"], {
        parts: { cause: 'exited', exitCode: 5, signal: null },
        promise: 'The end is that of the main process.',
        mend: 'Look at the main process alone, not at whichever child was reaped last.',
      }),
  },
  {
    name: 'a program that kills all it can reach ends itself alone',
    shares: true,
    needs: needsOwnProcesses,
    body: async (house) => {
      const sandbox = await house.shared();
      const { end, stdout } = await sandbox.sh(
        `${hostile.ownProcesses} (sleep 30 & sleep 30) & sleep 0.1; kill -9 -1; echo left; exit 6`,
        { environment: { HOST: hostProcesses() } },
      );
      const told = [end.cause, end.exitCode, end.signal, stdout];
      // kill(-1) spares its caller on Linux; a shell that is a child of its own init may be hit on others.
      holds(
        (end.cause === 'exited' && end.exitCode === 6) || (end.cause === 'signalled' && end.signal === 'SIGKILL'),
        {
          promise: '`kill -9 -1` inside ends processes of the sandbox, and its end is told as what it was.',
          mend: 'Keep what watches the program out of its reach: another user, another pid namespace, or its init.',
        },
        told,
      );
      await sandbox.assertRunsAgain();
    },
  },
  ...daemons.map(mainExits),
  {
    name: 'after each of these ends the sandbox runs again, in its workspace',
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      for (const script of ['exit 0', 'exit 3', 'kill -SEGV $$', 'kill -KILL $$']) {
        await sandbox.sh(script);
        await sandbox.assertRunsAgain();
      }
      await sandbox.run(['/no/such/program']);
      await sandbox.assertRunsAgain();
    },
  },
]);

interface OwnEnd {
  readonly parts: Parameters<typeof endsAs>[1];
  readonly promise: string;
  readonly mend: string;
}

/** Runs a program that ends by itself. That another can run after it is shown by the test that follows. */
async function endsByItself(house: House, command: readonly string[], own: OwnEnd): Promise<void> {
  const sandbox = await house.shared();
  const { end } = await sandbox.run(command);
  endsAs(end, own.parts, own.promise, own.mend);
}

function exits(code: number): ConformanceTest {
  return {
    name: `exit ${code} is an exit with that number`,
    shares: true,
    body: (house) =>
      endsByItself(house, ['/bin/sh', '-c', `exit ${code}`], {
        parts: { cause: 'exited', exitCode: code, signal: null },
        promise: `A program that exits ${code} has ended as \`exited\` with exit code ${code}.`,
        mend:
          code > 128
            ? `An exit with ${code} is no signal: tell them apart by the wait status, not by the number.`
            : 'Pass on the exit code that was seen.',
      }),
  };
}

function numberOf(signal: string): number {
  return 128 + constants.signals[signal as NodeJS.Signals];
}

function diesBy(signal: string): ConformanceTest {
  return {
    name: `${signal}, met by itself, is told as a signal with its name`,
    shares: true,
    body: (house) =>
      endsByItself(house, ['/bin/sh', '-c', `kill -${signal.slice(3)} $$`], {
        parts: { cause: 'signalled', exitCode: numberOf(signal), signal },
        promise: `A program that dies by ${signal} has ended as \`signalled\` with ${signal} and exit code ${numberOf(signal)}.`,
        mend: 'Take the signal from the wait status of the main process; exitCode is 128 + its number, as shells have it.',
      }),
  };
}

/** Shells say nothing of deaths by these two, so that a provider whose init is one knows the number only. */
function diesOrExits(signal: string): ConformanceTest {
  return {
    name: `${signal}, met by itself, is told by its number`,
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      const { end } = await sandbox.sh(`kill -${signal.slice(3)} $$`);
      const named = end.cause === 'signalled' ? signal : null;
      holds(
        end.cause === 'signalled' || end.cause === 'exited',
        {
          promise: `A program that dies by ${signal} is signalled, or has exited with ${numberOf(signal)}.`,
          mend: 'Take the signal from the wait status of the main process.',
        },
        end,
      );
      endsAs(
        end,
        { exitCode: numberOf(signal), signal: named },
        `${signal} is exit code ${numberOf(signal)}.`,
        'It is 128 + n.',
      );
    },
  };
}

function crash(what: string, signal: string, source: string): ConformanceTest {
  return {
    name: `a real crash by ${what} is ${signal}`,
    shares: true,
    needs: needsPython,
    body: (house) =>
      endsByItself(house, [house.python, '-c', source], {
        parts: { cause: 'signalled', exitCode: numberOf(signal), signal },
        promise: `A crash by ${what} has ended as \`signalled\` with ${signal}.`,
        mend: 'Take the signal from the wait status of the main process.',
      }),
  };
}

function notStarted(what: string, command: readonly string[]): ConformanceTest {
  return {
    name: `a command ${what} is not started, and the reason says so`,
    shares: true,
    body: async (house) => {
      const sandbox = await house.shared();
      await sandbox.sh(
        'echo text > text.txt; printf "#!/no/such/interpreter\\n" > missing-interpreter; chmod +x missing-interpreter',
      );
      const run = await sandbox.run(command);
      const { cause, exitCode, signal, reason } = run.end;
      equal(
        { cause, exitCode, signal },
        { cause: 'not-started', exitCode: null, signal: null },
        {
          promise: `A command ${what} is \`not-started\`.`,
          mend: 'Report the failure of the exec as the end of the run; a number such as 127 would be a guess.',
        },
      );
      const named = command[0]?.split('/').at(-1) ?? '';
      holds(
        isSentence(reason) && reason.includes(named),
        { promise: 'The reason of a `not-started` end names the command.', mend: `Put "${named}" into it.` },
        reason,
      );
      equal(run.stdout, '', {
        promise: 'What was not started printed nothing.',
        mend: 'Keep your own messages out of it.',
      });
    },
  };
}

function mainExits({ what, script, needs }: Daemon): ConformanceTest {
  return {
    name: `a main process that exits while a daemon lives that ${what}: its exit code is told, the daemon is gone`,
    shares: true,
    ...(needs && { needs }),
    body: async (house) => {
      const sandbox = await house.shared();
      const run = await sandbox.sh(script, { environment: { PYTHON: house.python, DAEMON: programs.daemon } });
      equal([run.stdout, run.end.cause, run.end.exitCode], ['done\n', 'exited', 7], {
        promise: 'The end of the main process is the end of the run, with its own exit code.',
        mend: 'When the main process has ended, kill what is left of its tree; do not wait for it.',
      });
      const promise = 'What outlives the main process does not hold the end of the run.';
      holds(
        run.wallMs < 10_000,
        { promise, mend: 'Do not wait for the pipes that it holds: kill it.' },
        `${run.wallMs} ms`,
      );
      await sandbox.assertTreeIsGone();
    },
  };
}
