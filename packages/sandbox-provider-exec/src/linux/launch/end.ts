import { constants } from 'node:os';
import type { ExecutionEnd, LimitHit, ResourceUsage } from '@ergon/sandbox-core';
import type { LaunchEnd } from './launch.js';

export interface EndContext {
  readonly program: string;
  readonly nonce: string;
  /** We sent SIGKILL. */
  readonly killed: boolean;
  readonly fileBytes: number;
  readonly limitsHit: readonly LimitHit[];
  readonly usage: ResourceUsage;
}

/** A number may have two names; the first is the common one (SIGABRT before SIGIOT). */
const names = new Map(
  Object.entries(constants.signals)
    .map(([name, number]) => [number, name] as const)
    .reverse(),
);
const LAST_SIGNAL = 64;

/** Makes of what was seen of a launch how its program ended. */
export function describeEnd(seen: LaunchEnd, context: EndContext): ExecutionEnd {
  const { program, nonce, killed, limitsHit, usage } = context;
  const end = { exitCode: null, signal: null, limitsHit, usage, reason: null };
  if (seen.fault !== null) return { ...end, cause: 'lost', reason: seen.fault };
  if (seen.failedExec.startsWith(nonce)) {
    const missing = seen.failedExec === `${nonce} 127`;
    const why = missing ? 'was not found, or its interpreter was not,' : 'is not executable';
    const named = program.length > 200 ? `${program.slice(0, 200)}…` : program;
    return { ...end, cause: 'not-started', reason: `The command "${named}" ${why} in the sandbox.` };
  }
  if (seen.exitCode === null) {
    const byKernel = limitsHit.some(({ limit }) => limit === 'memory');
    if (killed || byKernel) return { ...end, cause: 'signalled', signal: 'SIGKILL' };
    const said = seen.log.trim();
    return {
      ...end,
      cause: 'lost',
      reason: `The sandbox was ended from outside.${said === '' ? '' : ` It said: ${said}`}`,
    };
  }
  const signal = signalOf(seen.exitCode, seen.log);
  if (signal === null) return { ...end, cause: 'exited', exitCode: seen.exitCode };
  const fileSize: LimitHit = {
    limit: 'file-size',
    value: context.fileBytes,
    evidence: 'SIGXFSZ, the signal of RLIMIT_FSIZE',
  };
  return {
    ...end,
    cause: 'signalled',
    exitCode: seen.exitCode,
    signal: names.get(signal) ?? `SIG${signal}`,
    limitsHit: signal === constants.signals.SIGXFSZ ? [...limitsHit, fileSize] : limitsHit,
  };
}

/**
 * bubblewrap gives 128 + n for signal n as for an exit with that number. The sandbox's init, a shell, tells them apart: it reports
 * the deaths of its children by signals. Of SIGINT and SIGPIPE shells say nothing: those are exits, since that is all that is known.
 */
function signalOf(exitCode: number, log: string): number | null {
  const signal = exitCode - 128;
  return signal >= 1 && signal <= LAST_SIGNAL && log !== '' ? signal : null;
}
