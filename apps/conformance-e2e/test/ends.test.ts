import type { ExecutionEnd } from '@ergon/sandbox-core';
import { provesThatTheSuiteCatches } from './support/caught.js';
import { tells, wraps } from './support/broken.js';

const exited = (exitCode: number): Partial<ExecutionEnd> => ({ cause: 'exited', exitCode, signal: null, reason: null });

provesThatTheSuiteCatches([
  {
    that: 'tells every exit code as 0',
    create: tells((end) => ({ ...end, exitCode: end.exitCode === null ? null : 0 })),
    caughtBy: /exit 42 is an exit/,
    message: /exits 42 has ended as `exited` with exit code 42/,
  },
  {
    that: 'takes an exit with 137 for a SIGKILL',
    create: tells((end) => (end.exitCode === 137 ? { ...end, cause: 'signalled', signal: 'SIGKILL' } : end)),
    caughtBy: /exit 137 is an exit/,
    message: /tell them apart by the wait status, not by the number/,
  },
  {
    that: 'tells a death by SIGTERM as an exit with 143',
    create: tells((end) => (end.signal === 'SIGTERM' ? { ...end, ...exited(143) } : end)),
    caughtBy: /SIGTERM, met by itself/,
    message: /dies by SIGTERM has ended as `signalled`/,
  },
  {
    that: 'tells a crash as an exit with 139',
    create: tells((end) => (end.signal === 'SIGSEGV' ? { ...end, ...exited(139) } : end)),
    caughtBy: /real crash by a wild pointer/,
    message: /Take the signal from the wait status of the main process/,
  },
  {
    that: 'tells signals by their numbers',
    create: tells((end) => (end.signal === 'SIGABRT' ? { ...end, signal: '6' } : end)),
    caughtBy: /SIGABRT, met by itself/,
    message: /A signal is told by its name/,
  },
  {
    that: 'makes an exit code of -1 of what it does not know',
    create: tells((end) => ({ ...end, exitCode: end.exitCode ?? -1 })),
    caughtBy: /by a path that is nowhere is not started/,
    message: /never pass on -1/,
  },
  {
    that: 'tells a missing program as an exit with 127',
    create: tells((end) => (end.cause === 'not-started' ? { ...end, ...exited(127) } : end)),
    caughtBy: /nowhere on PATH is not started/,
    message: /a number such as 127 would be a guess/,
  },
  {
    that: 'takes an exit with 127 for a program that was not started',
    create: tells((end) =>
      end.exitCode === 127 ? { ...end, cause: 'not-started', exitCode: null, reason: 'It was not found.' } : end,
    ),
    caughtBy: /cannot find a program exits 127 by itself/,
    message: /127 of a shell that ran is an exit/,
  },
  {
    that: 'does not say why a program was not started',
    create: tells((end) => (end.cause === 'not-started' ? { ...end, reason: null } : end)),
    caughtBy: /that is a folder is not started/,
    message: /a reason that is a sentence/,
  },
  {
    that: 'tells an end by a cause of its own',
    create: tells((end) => (end.exitCode === 1 ? { ...end, cause: 'failed' as ExecutionEnd['cause'] } : end)),
    caughtBy: /exit 1 is an exit/,
    message: /one of the seven causes/,
  },
  {
    that: 'tells the end of whichever child ended by a signal',
    create: wraps('"$@"; code=$?; [ $code = 5 ] && kill -SEGV $$; exit $code'),
    caughtBy: /a child that dies by a signal/,
    message: /The end is that of the main process/,
  },
  {
    that: 'waits for what outlives the main process',
    create: wraps('"$@"; code=$?; sleep 11; exit $code'),
    caughtBy: /while a daemon lives that holds its output/,
    message: /What outlives the main process does not hold the end of the run/,
  },
]);
