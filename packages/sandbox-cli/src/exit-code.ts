import { exitCodes, signalExitCodes } from './failure.js';

/** How a run ended, as the core and the wire have it. */
export interface RunEnd {
  readonly cause: string | null;
  readonly exitCode: number | null;
}

/**
 * The exit code that tells of a run's end.
 * @param interrupted of the signal that made us stop it; null: none did
 */
export function exitCodeOf({ cause, exitCode }: RunEnd, interrupted: number | null): number {
  switch (cause) {
    case 'exited':
    case 'signalled':
      return exitCode ?? exitCodes.notRun;
    case 'timeout':
      return exitCodes.timeout;
    case 'stopped':
      return interrupted ?? signalExitCodes.SIGINT;
    case 'limit':
      return exitCode ?? exitCodes.killed;
    default:
      return interrupted ?? exitCodes.notRun;
  }
}
