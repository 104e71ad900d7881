import { provesThatTheSuiteCatches } from './support/caught.js';
import { drives, executes, tells } from './support/broken.js';
import { LeavesTrees } from './support/leaves-trees.js';

provesThatTheSuiteCatches([
  {
    that: 'tells a timeout as a stop',
    create: tells((end) => (end.cause === 'timeout' ? { ...end, cause: 'stopped' } : end)),
    caughtBy: /ignores SIGTERM meets its deadline/,
    message: /An end by us is `timeout`/,
  },
  {
    that: 'tells a stop as a death by SIGKILL',
    create: tells((end) => (end.cause === 'stopped' ? { ...end, cause: 'signalled', signal: 'SIGKILL' } : end)),
    caughtBy: /ignores SIGTERM is stopped/,
    message: /An end by us is `stopped`/,
  },
  {
    that: 'tells an exit code of 0 where there was none (exitCode ?? 0)',
    create: tells((end) => ({ ...end, exitCode: end.cause === 'timeout' ? (end.exitCode ?? 0) : end.exitCode })),
    caughtBy: /does nothing about SIGTERM meets its deadline/,
    message: /its exit code is what the program exited with in the grace, else null/,
  },
  {
    that: 'tells the 143 of its own SIGTERM as an exit code',
    create: tells((end) => (end.cause === 'stopped' ? { ...end, exitCode: end.exitCode ?? 143 } : end)),
    caughtBy: /does nothing about SIGTERM is stopped/,
    message: /143 and 137 of the signals that you sent are no exit codes/,
  },
  {
    that: 'forgets the exit code of a program that ended within the grace',
    create: tells((end) => (end.cause === 'timeout' ? { ...end, exitCode: null } : end)),
    caughtBy: /exits 0 within the grace meets its deadline/,
    message: /what the program exited with in the grace/,
  },
  {
    that: 'sends SIGKILL at once, whatever the grace',
    create: executes((options) => ({ ...options, killGraceMs: 0 })),
    caughtBy: /exits 9 within the grace meets its deadline/,
    message: /what the program exited with in the grace/,
  },
  {
    that: 'has no grace unless it is asked for one',
    create: executes((options) => ({ killGraceMs: 0, ...options })),
    caughtBy: /without killGraceMs the grace is a second/,
    message: /killGraceMs is 1000 where it is absent/,
  },
  {
    that: 'does not take a short deadline for one',
    create: executes((options) => ({ ...options, timeoutMs: Math.max(9000, options.timeoutMs) })),
    caughtBy: /a deadline of a millisecond is a timeout/,
    message: /over soon after the grace/,
  },
  {
    that: 'claims signals and sends SIGKILL for SIGTERM',
    create: drives((process) => ({ kill: () => process.kill('SIGKILL') })),
    caughtBy: /exits 9 within the grace is stopped/,
    message: /what the program exited with in the grace/,
  },
  {
    that: 'waits longer than the grace before it sends SIGKILL',
    create: executes((options) => ({ ...options, killGraceMs: 8000 })),
    caughtBy: /ignores SIGTERM meets its deadline/,
    message: /Send SIGKILL to the whole tree when the grace is over/,
  },
  {
    that: 'ends the main process alone at the deadline',
    create: (ports) => new LeavesTrees(ports),
    caughtBy: /grandchildren ignore SIGTERM and hold its output meets its deadline/,
    message: /no process of its tree is left/,
  },
  {
    that: 'tells the end of the main process while a daemon of it lives on',
    create: (ports) => new LeavesTrees(ports),
    caughtBy: /while a daemon lives that ignores all signals/,
    message: /no process of its tree is left/,
  },
  {
    that: 'does not listen to the signal that stops a run',
    create: executes(({ signal: _, ...options }) => ({ ...options, timeoutMs: Math.min(3000, options.timeoutMs) })),
    caughtBy: /a stop while the program is being started/,
    message: /A run that is ended by its signal is `stopped`/,
  },
  {
    that: 'does not see that a run was stopped before it began',
    create: executes(({ signal, ...options }) => ({ ...options, ...(signal && !signal.aborted && { signal }) })),
    caughtBy: /a signal that was aborted beforehand/,
    message: /Look at options\.signal before anything is started/,
  },
  {
    that: 'tells every end with a code as a timeout',
    create: tells((end) => (end.exitCode === 3 ? { ...end, cause: 'timeout' } : end)),
    caughtBy: /has ended before its deadline is not a timeout/,
    message: /Clear the timer when the tree is gone/,
  },
]);
