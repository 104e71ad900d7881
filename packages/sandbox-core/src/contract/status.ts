/** What a sandbox is doing. `preparing → ready ⇄ busy → cleaning → cleaned`, or `broken → cleaning`. */
export type SandboxPhase = 'preparing' | 'ready' | 'busy' | 'broken' | 'cleaning' | 'cleaned';

/**
 * How an execution ended.
 * - `exited`: by itself, with a number. `signalled`: by a signal it met by itself; where a provider sees only the number of a death by SIGINT
 *   or SIGPIPE, as shells show it, that is `exited`.
 * - `timeout`, `stopped`: ended by us. `limit`: a resource limit ended it, or its memory limit was hit on the way.
 * - `lost`: the environment vanished; the program's fate is unknown. `not-started`: no instruction of it ran.
 */
export type EndCause = 'exited' | 'signalled' | 'timeout' | 'stopped' | 'limit' | 'lost' | 'not-started';

/** The eight statuses that people and programs see. */
export const sandboxStatuses = [
  'preparing',
  'ready',
  'running',
  'completed',
  'failed',
  'timeout',
  'stopped',
  'cleaned',
] as const;
export type SandboxStatus = (typeof sandboxStatuses)[number];

/** The part of an end that decides its status. */
export interface EndSummary {
  readonly cause: EndCause;
  /** A number that was seen, or null. */
  readonly exitCode: number | null;
}

/** The status of an execution that has ended. */
export function statusOfEnd(end: EndSummary): 'completed' | 'failed' | 'timeout' | 'stopped' {
  switch (end.cause) {
    case 'timeout':
      return 'timeout';
    case 'stopped':
      return 'stopped';
    case 'exited':
      return end.exitCode === 0 ? 'completed' : 'failed';
    case 'signalled':
    case 'limit':
    case 'lost':
    case 'not-started':
      return 'failed';
  }
}

/** The status of a sandbox, from its phase and the end of its last execution (null: none yet). */
export function statusOfSandbox(phase: SandboxPhase, lastEnd: EndSummary | null): SandboxStatus {
  switch (phase) {
    case 'preparing':
      return 'preparing';
    case 'busy':
      return 'running';
    case 'cleaned':
      return 'cleaned';
    case 'broken':
      return 'failed';
    case 'ready':
    case 'cleaning':
      return lastEnd === null ? 'ready' : statusOfEnd(lastEnd);
  }
}
