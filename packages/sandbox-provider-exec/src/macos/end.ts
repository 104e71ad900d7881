import { constants } from 'node:os';
import type { ExecutionEnd, LimitHit, ResourceUsage } from '@ergon/sandbox-core';
import type { MacEnd } from './launch.js';

export interface MacEndContext {
  readonly program: string;
  readonly nonce: string;
  /** We sent SIGKILL. */
  readonly killed: boolean;
  readonly fileBytes: number;
  readonly cpus: number;
  readonly limitsHit: readonly LimitHit[];
  readonly usage: ResourceUsage;
}

/** Makes of how its first process ended how a program ended. The kernel tells a signal from an exit with 128 and its number. */
export function describeMacEnd({ code, signal, failedExec }: MacEnd, context: MacEndContext): ExecutionEnd {
  const { program, nonce, killed, limitsHit, usage } = context;
  const end = { exitCode: null, signal: null, limitsHit, usage, reason: null };
  if (failedExec.startsWith(nonce)) {
    const missing = failedExec === `${nonce} 127`;
    const why = missing ? 'was not found, or its interpreter was not,' : 'is not executable';
    const named = program.length > 200 ? `${program.slice(0, 200)}…` : program;
    return { ...end, cause: 'not-started', reason: `The command "${named}" ${why} in the sandbox.` };
  }
  if (signal === null) return { ...end, cause: 'exited', exitCode: code };
  if (killed && signal === 'SIGKILL') return { ...end, cause: 'signalled', signal };
  const hits: Partial<Record<NodeJS.Signals, LimitHit>> = {
    SIGXFSZ: { limit: 'file-size', value: context.fileBytes, evidence: 'SIGXFSZ, the signal of RLIMIT_FSIZE' },
    SIGXCPU: { limit: 'cpu', value: context.cpus, evidence: 'SIGXCPU, the signal of RLIMIT_CPU' },
  };
  const hit = hits[signal];
  return {
    ...end,
    cause: 'signalled',
    exitCode: 128 + constants.signals[signal],
    signal,
    limitsHit: hit === undefined ? limitsHit : [...limitsHit, hit],
  };
}
