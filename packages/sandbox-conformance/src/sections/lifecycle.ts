import type { SandboxErrorCode } from '@ergon/sandbox-core';
import { programs } from '../programs.js';
import { equal, holds, refuses, STEP_MS, succeeds, within } from '../promises.js';
import type { House } from '../house.js';
import { begin, removal } from '../sandbox.js';
import type { TestSandbox } from '../sandbox.js';
import { section } from '../suite.js';
import type { Section } from '../suite.js';
import { reclaiming } from './reclaim.js';

export const lifecycle: Section = section('Lifecycle', [
  {
    name: 'a command runs, its output and exit code are told, and cleanup() leaves nothing',
    body: async (house) => {
      const sandbox = await house.sandbox({ files: { 'greeting.txt': 'hello\n' } });
      const run = await sandbox.sh('cat greeting.txt; echo problem >&2; exit 3');
      equal(
        { stdout: run.stdout, stderr: run.stderr },
        { stdout: 'hello\n', stderr: 'problem\n' },
        {
          promise: 'The output of a program arrives, each stream by itself.',
          mend: 'Read both streams to their ends and yield every byte.',
        },
      );
      equal([run.end.cause, run.end.exitCode, run.end.signal], ['exited', 3, null], {
        promise: 'A program that exits 3 has ended as `exited` with exit code 3.',
        mend: 'getResult() gives the exit code that the operating system saw.',
      });
      equal(await sandbox.end(), run.end, {
        promise: 'getResult() tells the end of the last command as often as it is asked.',
        mend: 'Keep it until the next command starts, or the sandbox is cleaned up.',
      });
      equal(await sandbox.cleanup(), true, cleanedOnce);
      await house.assertNothingLeft();
    },
  },
  {
    name: 'getResult() before any run is SANDBOX008, while one runs SANDBOX007, of an unknown sandbox SANDBOX006',
    body: async (house) => {
      const sandbox = await house.sandbox();
      await refusesResult(house, sandbox.id, 'SANDBOX008', 'before anything ran');
      await refusesResult(house, 'no-such-sandbox', 'SANDBOX006', 'of an unknown sandbox');
      const stop = new AbortController();
      const { ended } = await sandbox.start('echo up; sleep 20', { signal: stop.signal, killGraceMs: 100 });
      await refusesResult(house, sandbox.id, 'SANDBOX007', 'while a command runs');
      stop.abort();
      await ended;
      const again = await sandbox.sh('exit 4');
      equal(again.end.exitCode, 4, {
        promise: 'getResult() tells the end of the last command.',
        mend: 'Forget the end of the command before when a new one starts.',
      });
    },
  },
  {
    name: 'a second command while one runs is refused with SANDBOX007, and does not disturb the first',
    body: async (house) => {
      const sandbox = await house.sandbox();
      const { ended } = await sandbox.start('echo up; read line; echo "$?"; sleep 0.3; echo done');
      await refusesRun(house, sandbox.id, ['SANDBOX007'], 'while another runs');
      const first = await ended;
      equal([first.stdout, first.end.exitCode], ['up\n1\ndone\n', 0], {
        promise: 'A refused second execution changes nothing of the first.',
        mend: 'Refuse before anything of the sandbox is touched.',
      });
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'the signal of a preparation ends nothing when that is over',
    body: async (house) => {
      const preparing = new AbortController();
      const sandbox = await house.sandbox({ config: { signal: preparing.signal } });
      await assertGoesOn(sandbox, () => preparing.abort());
    },
  },
  {
    name: 'the signal of an execution ends nothing when that is over',
    body: async (house) => {
      const sandbox = await house.sandbox();
      const first = new AbortController();
      await sandbox.sh(':', { signal: first.signal });
      await assertGoesOn(sandbox, () => first.abort());
    },
  },
  {
    name: 'an unknown sandbox is SANDBOX006 for execute(), and false for cleanup()',
    body: async (house) => {
      await refusesRun(house, 'no-such-sandbox', ['SANDBOX006'], 'of an unknown sandbox');
      const cleaned = await succeeds(
        10_000,
        'cleanup() of an unknown sandbox',
        'Return false where the id is not known.',
        () => house.provider.cleanup('no-such-sandbox'),
      );
      equal(cleaned, false, {
        promise: 'cleanup() of an unknown sandbox is false, not an error.',
        mend: 'Return false where the id is not known.',
      });
    },
  },
  {
    name: 'a sandbox id that exists is refused with SANDBOX008, and the first sandbox goes on',
    body: async (house) => {
      const sandbox = await house.sandbox();
      await sandbox.sh('echo first > mark');
      const solution = await house.solution();
      await refuses(
        () => within(STEP_MS, 'prepare()', house.provider.prepare('other', solution, sandbox.config)),
        ['SANDBOX008'],
        {
          promise: 'A second sandbox under the same id is refused with SANDBOX008.',
          mend: 'Look whether the id is known before anything is made.',
        },
      );
      const { stdout } = await sandbox.sh('cat mark');
      equal(stdout, 'first\n', {
        promise: 'A refused prepare() of a known id leaves the sandbox of that id as it is.',
        mend: 'The clean-up after a failed prepare() must not remove what another prepare() made.',
      });
    },
  },
  {
    name: 'after cleanup() a sandbox is unknown: execute() and getResult() are SANDBOX006, cleanup() is false',
    body: async (house) => {
      const sandbox = await house.sandbox();
      await sandbox.sh('true');
      equal(await sandbox.cleanup(), true, cleanedOnce);
      equal(await sandbox.cleanup(), false, {
        promise: 'A second cleanup() is false.',
        mend: 'Forget the sandbox when it is cleaned.',
      });
      await refusesRun(house, sandbox.id, ['SANDBOX006'], 'after cleanup()');
      await refusesResult(house, sandbox.id, 'SANDBOX006', 'after cleanup()');
    },
  },
  {
    name: 'two cleanups at once both settle, and nothing is left',
    body: async (house) => {
      const sandbox = await house.sandbox();
      const [first] = await Promise.all([sandbox.cleanup(), sandbox.cleanup()]);
      equal(first, true, cleanedOnce);
      await house.assertNothingLeft();
    },
  },
  {
    name: 'cleanup() during a run ends it as stopped (or lost) at once, and leaves nothing',
    body: async (house) => {
      const sandbox = await house.sandbox();
      const command = ['/bin/sh', '-c', `trap "" TERM; echo up; ${programs.beat}`];
      const options = { timeoutMs: 60_000, killGraceMs: 200 };
      const { rest } = await begin(house.provider.execute(sandbox.id, command, options));
      const started = performance.now();
      const [cleaned] = await Promise.all([sandbox.cleanup(), rest]);
      equal(cleaned, true, cleanedOnce);
      const wallMs = performance.now() - started;
      holds(
        wallMs < 10_000,
        { promise: 'cleanup() does not wait for the deadline of a run.', mend: 'End it.' },
        `${wallMs} ms`,
      );
      await house.assertNothingLeft();
    },
  },
  {
    name: '[Symbol.asyncDispose]() removes every sandbox: idle, running, being prepared',
    body: async (house) => {
      const provider = await house.anotherProvider();
      await house.sandbox({}, provider);
      const running = await house.sandbox({}, provider);
      const options = { timeoutMs: 60_000, killGraceMs: 100 };
      const command = ['/bin/sh', '-c', `echo up; ${programs.beat}`];
      const { rest } = await begin(provider.execute(running.id, command, options));
      const preparing = provider.prepare('s', await house.solution(), house.config({}, provider));
      const settled = within(STEP_MS, 'prepare() during asyncDispose', Promise.allSettled([preparing]));
      await succeeds(STEP_MS, 'asyncDispose', removal, () => provider[Symbol.asyncDispose]());
      await settled;
      await house.assertNothingLeft();
      await rest;
    },
  },
  ...reclaiming,
]);

const cleanedOnce = {
  promise: 'cleanup() of a sandbox that exists is true.',
  mend: 'Return true when everything of it is removed.',
};

/** Fails unless a command goes on to its end though an older signal is aborted, and another can follow. */
async function assertGoesOn(sandbox: TestSandbox, abort: () => void): Promise<void> {
  const { ended } = await sandbox.start('echo up; read line; sleep 0.5; echo done; exit 5');
  abort();
  const { end, stdout } = await ended;
  equal([stdout, end.cause, end.exitCode], ['up\ndone\n', 'exited', 5], {
    promise: 'A signal ends the call that it was given to, and nothing after that.',
    mend: 'Remove the listener when prepare() has resolved, or the execution has ended.',
  });
  await sandbox.assertRunsAgain();
}

async function refusesResult(house: House, id: string, code: SandboxErrorCode, when: string): Promise<void> {
  await refuses(() => within(10_000, 'getResult()', house.provider.getResult(id)), [code], {
    promise: `getResult() ${when} is refused with ${code}.`,
    mend: 'Throw it from the state that you keep of the sandbox; never wait, never give an older end.',
  });
}

async function refusesRun(house: House, id: string, codes: readonly SandboxErrorCode[], when: string): Promise<void> {
  const read = async (): Promise<string> => {
    let bytes = 0;
    for await (const { data } of house.provider.execute(id, ['true'], { timeoutMs: 5000 })) bytes += data.length;
    return `an end of the output, after ${bytes} bytes`;
  };
  await refuses(() => within(20_000, 'execute()', read()), codes, {
    promise: `execute() ${when} is refused with ${codes.join(' or ')}.`,
    mend: 'Throw it when the iterable is first read, before anything is started.',
  });
}
