import { constants } from 'node:os';
import type { ExecutionEnd, LimitHit, ResourceUsage } from '@ergon/sandbox-core';
import { NO_ENV } from './script.js';

/** What was seen of a program's end. */
export type SeenEnd =
  /** Its shell told it: the exit code, how many lines it had to say, and whether the program could be executed at all. */
  | { readonly by: 'shell'; readonly code: number; readonly lines: number; readonly failedExec: number | null }
  /** The shells above the program ended without a word: the exit code that the engine tells, null when even that is not known. */
  | { readonly by: 'engine'; readonly code: number | null }
  /** The container was ended by us. */
  | { readonly by: 'kill' }
  /** The container ended without our doing. */
  | { readonly by: 'container'; readonly reason: string };

export interface EndContext {
  readonly program: string;
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

/** What a shell's marker says (`E CODE LINES`): null when the shell that started the program was itself ended. */
export function parseEndWords(words: string): { readonly code: number; readonly lines: number } | null {
  const match = /^E (\d+) (\d+)$/.exec(words);
  return match === null ? null : { code: Number(match[1]), lines: Number(match[2]) };
}

/** Makes of what was seen how the program ended. */
export function describeEnd(seen: SeenEnd, { program, fileBytes, limitsHit, usage }: EndContext): ExecutionEnd {
  const end = { exitCode: null, signal: null, limitsHit, usage, reason: null };
  switch (seen.by) {
    case 'kill':
      return { ...end, cause: 'signalled', signal: 'SIGKILL' };
    case 'container': {
      const byKernel = limitsHit.some(({ limit }) => limit === 'memory');
      return byKernel
        ? { ...end, cause: 'signalled', signal: 'SIGKILL' }
        : { ...end, cause: 'lost', reason: seen.reason };
    }
    case 'engine': {
      const signal = (seen.code ?? 0) - 128;
      if (seen.code === null) {
        return { ...end, cause: 'signalled', reason: 'The shell that ran the program was ended by it.' };
      }
      if (signal < 1 || signal > LAST_SIGNAL) return { ...end, cause: 'exited', exitCode: seen.code };
      return { ...end, cause: 'signalled', exitCode: seen.code, signal: names.get(signal) ?? `SIG${signal}` };
    }
    case 'shell': {
      if (seen.failedExec !== null) {
        const why =
          seen.failedExec === NO_ENV
            ? 'has a variable that only env(1) can set, which was not found'
            : seen.failedExec === 127
              ? 'was not found, or its interpreter was not,'
              : 'is not executable, or its arguments and variables are too long,';
        const named = program.length > 200 ? `${program.slice(0, 200)}…` : program;
        return { ...end, cause: 'not-started', reason: `The command "${named}" ${why} in the sandbox.` };
      }
      const signal = seen.code - 128;
      if (seen.lines < 2 || signal < 1 || signal > LAST_SIGNAL) {
        return { ...end, cause: 'exited', exitCode: seen.code };
      }
      const fileSize: LimitHit = {
        limit: 'file-size',
        value: fileBytes,
        evidence: 'SIGXFSZ, the signal of RLIMIT_FSIZE',
      };
      return {
        ...end,
        cause: 'signalled',
        exitCode: seen.code,
        signal: names.get(signal) ?? `SIG${signal}`,
        limitsHit: signal === constants.signals.SIGXFSZ ? [...limitsHit, fileSize] : limitsHit,
      };
    }
  }
}
