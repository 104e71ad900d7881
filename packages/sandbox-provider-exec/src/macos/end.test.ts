import { unmeasuredUsage } from '@ergon/sandbox-core';
import { describeMacEnd, type MacEndContext } from './end.js';
import type { MacEnd } from './launch.js';

const nonce = 'f'.repeat(32);
const context: MacEndContext = {
  program: 'main',
  nonce,
  killed: false,
  fileBytes: 99,
  cpus: 2,
  limitsHit: [],
  usage: unmeasuredUsage,
};
const seen: MacEnd = { code: 0, signal: null, failedExec: '' };
const bySignal = (signal: NodeJS.Signals): MacEnd => ({ ...seen, code: null, signal });

test.each([0, 1, 126, 127, 128, 137, 139, 255])('%i is an exit, whatever shells mean by it', (code) => {
  expect(describeMacEnd({ ...seen, code }, context)).toMatchObject({ cause: 'exited', exitCode: code, signal: null });
});

test('a signal is told by its name, with the number that shells give', () => {
  expect(describeMacEnd(bySignal('SIGSEGV'), context)).toMatchObject({
    cause: 'signalled',
    signal: 'SIGSEGV',
    exitCode: 139,
  });
  expect(describeMacEnd(bySignal('SIGKILL'), context)).toMatchObject({ cause: 'signalled', exitCode: 137 });
});

test('SIGKILL has no number where we sent it', () => {
  expect(describeMacEnd(bySignal('SIGKILL'), { ...context, killed: true })).toMatchObject({
    cause: 'signalled',
    signal: 'SIGKILL',
    exitCode: null,
  });
});

test('the signals of rlimits name the limits', () => {
  expect(describeMacEnd(bySignal('SIGXFSZ'), context).limitsHit).toMatchObject([{ limit: 'file-size', value: 99 }]);
  expect(describeMacEnd(bySignal('SIGXCPU'), context).limitsHit).toMatchObject([{ limit: 'cpu', value: 2 }]);
});

test('only the nonce says that nothing was started', () => {
  const ended = (failedExec: string): unknown => describeMacEnd({ ...seen, code: 127, failedExec }, context);
  expect(ended(`${nonce} 127`)).toMatchObject({ cause: 'not-started', exitCode: null });
  expect(ended(`${nonce} 126`)).toMatchObject({
    cause: 'not-started',
    reason: expect.stringContaining('not executable') as string,
  });
  expect(ended(`${'0'.repeat(32)} 127`)).toMatchObject({ cause: 'exited', exitCode: 127 });
});
