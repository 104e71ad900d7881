import type { TtySize } from '@ergon/sandbox-core';
import { equal, holds, isSentence } from '../promises.js';
import { needsClaim, needsGiven, section } from '../suite.js';
import type { Section } from '../suite.js';

const needsTty = needsClaim('tty', ({ capabilities }) => capabilities.tty);
const tty = { cols: 91, rows: 33 };

export const terminal: Section = section('Terminal', [
  {
    name: 'where none is claimed, a run that asks for one is not started, with a reason',
    shares: true,
    needs: needsGiven('terminals are claimed', ({ capabilities }) => !capabilities.tty),
    body: async (house) => {
      const sandbox = await house.shared();
      const { end } = await sandbox.sh('echo ran', { tty, stdin: keys([]) });
      equal([end.cause, isSentence(end.reason)], ['not-started', true], {
        promise: 'What is not supported is refused, never ignored.',
        mend: 'End the run as `not-started`, with a reason.',
      });
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'all three streams are a terminal of the size that was asked for, and their output is one stream',
    shares: true,
    needs: needsTty,
    body: async (house) => {
      const sandbox = await house.shared();
      const { stdout, stderr, end } = await sandbox.sh(
        'test -t 0 && test -t 1 && test -t 2 && echo terminal; stty size; echo error >&2; exit 3',
        { tty, stdin: keys([]) },
      );
      equal([stdout, stderr, end.cause, end.exitCode], ['terminal\r\n33 91\r\nerror\r\n', '', 'exited', 3], {
        promise:
          'With `tty` a program has a terminal; what it prints comes on stdout, bytes as the terminal sends them.',
        mend: 'Allocate a pseudo-terminal with that size before the program starts, and do not look for frames in its output.',
      });
    },
  },
  {
    name: 'what is typed arrives, and is echoed by the terminal',
    shares: true,
    needs: needsTty,
    body: async (house) => {
      const sandbox = await house.shared();
      const { stdout } = await sandbox.sh('read line; echo "got $line"', { tty, stdin: keys(['hello\r']) });
      equal(stdout, 'hello\r\ngot hello\r\n', {
        promise: 'Keys go to the terminal.',
        mend: 'Write stdin to its other end.',
      });
    },
  },
  {
    name: 'a resize arrives, and the program is told',
    shares: true,
    needs: needsTty,
    body: async (house) => {
      const sandbox = await house.shared();
      let up: () => void = () => undefined;
      const isUp = new Promise<void>((resolve) => (up = resolve));
      const resizes = async function* (): AsyncGenerator<TtySize> {
        await isUp;
        yield { cols: 120, rows: 40 };
      };
      const script = 'trap "stty size; exit 5" WINCH; echo up; while :; do sleep 0.05; done';
      const run = await sandbox.sh(script, {
        tty: { ...tty, resizes: resizes() },
        stdin: keys([]),
        timeoutMs: 5000,
        onChunk: up,
      });
      equal([run.stdout, run.end.exitCode], ['up\r\n40 120\r\n', 5], {
        promise: 'Each size of tty.resizes is set, and the program gets SIGWINCH.',
        mend: 'Read options.tty.resizes while the program runs.',
      });
    },
  },
  {
    name: 'Ctrl-C interrupts the program, and Ctrl-D ends its input',
    shares: true,
    needs: needsTty,
    body: async (house) => {
      const sandbox = await house.shared();
      let up: () => void = () => undefined;
      const isUp = new Promise<void>((resolve) => (up = resolve));
      const source = async function* (): AsyncGenerator<Uint8Array> {
        await isUp;
        yield Buffer.from('\x03');
      };
      const script = 'trap "echo caught; exit 6" INT; echo up; while :; do sleep 0.05; done';
      const run = await sandbox.sh(script, { tty, stdin: source(), timeoutMs: 5000, onChunk: up });
      holds(
        run.end.exitCode === 6 && run.stdout.includes('caught'),
        {
          promise: 'Ctrl-C sends SIGINT to the program.',
          mend: 'Make the terminal the controlling one of its session (setsid, TIOCSCTTY).',
        },
        { stdout: run.stdout, end: run.end },
      );
      const { stdout } = await sandbox.sh('cat; echo end', { tty, stdin: keys(['line\r', '\x04']), timeoutMs: 5000 });
      equal(stdout, 'line\r\nline\r\nend\r\n', {
        promise: 'Ctrl-D ends the input.',
        mend: 'Pass keys on as they are.',
      });
    },
  },
  {
    name: 'a deadline ends a program in a terminal, and the sandbox can run again',
    shares: true,
    needs: needsTty,
    body: async (house) => {
      const sandbox = await house.shared();
      const { end } = await sandbox.sh('trap "" TERM HUP; echo up; while :; do sleep 0.05; done', {
        tty,
        stdin: keys([]),
        timeoutMs: 500,
        killGraceMs: 200,
      });
      equal([end.cause, end.exitCode], ['timeout', null], {
        promise: 'A terminal changes nothing about deadlines.',
        mend: 'Kill the tree, not only the terminal.',
      });
      await sandbox.assertRunsAgain();
    },
  },
]);

/** Keys, and no end of the input: a terminal's stays open. */
async function* keys(texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
  await new Promise(() => undefined);
}
