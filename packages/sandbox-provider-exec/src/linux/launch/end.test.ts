import { unmeasuredUsage } from '@ergon/sandbox-core';
import { describeEnd, type EndContext } from './end.js';
import type { LaunchEnd } from './launch.js';

const nonce = 'f'.repeat(32);
const seen: LaunchEnd = { exitCode: 0, failedExec: '', cpuTimeMs: null, log: '', fault: null };
const context: EndContext = {
  program: 'main',
  nonce,
  killed: false,
  fileBytes: 99,
  limitsHit: [],
  usage: unmeasuredUsage,
};

test('an exit code that was seen is an exit', () => {
  expect(describeEnd({ ...seen, exitCode: 5 }, context)).toMatchObject({ cause: 'exited', exitCode: 5, signal: null });
});

test('128 + n is a signal where the shell reported one, else an exit', () => {
  expect(describeEnd({ ...seen, exitCode: 139, log: 'Segmentation fault\n' }, context)).toMatchObject({
    cause: 'signalled',
    signal: 'SIGSEGV',
  });
  expect(describeEnd({ ...seen, exitCode: 139 }, context)).toMatchObject({
    cause: 'exited',
    exitCode: 139,
    signal: null,
  });
});

test.each([0, 1, 128, 130, 137, 141, 193, 200, 255])('%i alone is no signal', (exitCode) => {
  expect(describeEnd({ ...seen, exitCode }, context)).toMatchObject({ cause: 'exited', exitCode, signal: null });
});

test('a real-time signal has its number as its name', () => {
  expect(describeEnd({ ...seen, exitCode: 128 + 40, log: 'Real-time signal 6\n' }, context)).toMatchObject({
    signal: 'SIG40',
  });
});

test('only the nonce says that nothing was started', () => {
  expect(describeEnd({ ...seen, exitCode: 127, failedExec: `${nonce} 127` }, context)).toMatchObject({
    cause: 'not-started',
    exitCode: null,
  });
  expect(describeEnd({ ...seen, exitCode: 127, failedExec: `${'0'.repeat(32)} 127` }, context)).toMatchObject({
    cause: 'exited',
    exitCode: 127,
  });
});

test('without an exit code: killed by us, by the kernel at the memory limit, or lost', () => {
  const unseen = { ...seen, exitCode: null };
  const memory = { limit: 'memory', value: 1, evidence: 'oom_kill 1' } as const;
  expect(describeEnd(unseen, { ...context, killed: true })).toMatchObject({
    cause: 'signalled',
    exitCode: null,
    signal: 'SIGKILL',
  });
  expect(describeEnd(unseen, { ...context, limitsHit: [memory] })).toMatchObject({
    cause: 'signalled',
    exitCode: null,
    limitsHit: [memory],
  });
  expect(describeEnd(unseen, context)).toMatchObject({ cause: 'lost', exitCode: null });
});

test('of an end that cannot be believed nothing is', () => {
  const all = { ...seen, exitCode: 139, failedExec: `${nonce} 127`, log: 'Killed\n', fault: 'Why not.' };
  expect(describeEnd(all, { ...context, killed: true })).toMatchObject({
    cause: 'lost',
    exitCode: null,
    signal: null,
    reason: 'Why not.',
  });
});
