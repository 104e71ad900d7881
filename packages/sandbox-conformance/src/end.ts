import type { EndCause, ExecutionEnd, LimitHit, LimitName } from '@ergon/sandbox-core';
import { equal, holds, isSentence } from './promises.js';

const causes: readonly EndCause[] = ['exited', 'signalled', 'timeout', 'stopped', 'limit', 'lost', 'not-started'];
const limits: readonly LimitName[] = [
  'memory',
  'cpu',
  'pids',
  'disk',
  'open-files',
  'file-size',
  'output',
  'wall-time',
];

/** What holds for every end. */
export function assertEnd(end: ExecutionEnd): void {
  const { cause, exitCode, signal, limitsHit, usage, reason } = end;
  holds(
    causes.includes(cause),
    { promise: 'An end has one of the seven causes.', mend: `Use one of ${causes.join(', ')}.` },
    end,
  );
  holds(
    exitCode === null || (Number.isInteger(exitCode) && exitCode >= 0 && exitCode <= 255),
    {
      promise: 'An exit code is a number from 0 to 255 that was seen, or null.',
      mend: 'Never guess one, never pass on -1.',
    },
    end,
  );
  if (cause === 'exited') {
    const mend = 'exitCode is the number, signal is null.';
    holds(
      exitCode !== null && signal === null,
      { promise: 'An `exited` end has its exit code and no signal.', mend },
      end,
    );
  }
  if (cause === 'lost' || cause === 'not-started') {
    const mend = 'exitCode is null and reason says what happened, for a person.';
    const promise = `A \`${cause}\` end has no exit code and a reason that is a sentence.`;
    holds(exitCode === null && isSentence(reason), { promise, mend }, end);
  }
  holds(
    signal === null || /^SIG[A-Z0-9+-]+$/.test(signal),
    { promise: 'A signal is told by its name.', mend: 'Use the names of os.constants.signals, e.g. SIGSEGV.' },
    end,
  );
  holds(
    Object.values(usage).every((value) => value === null || (Number.isFinite(value) && value >= 0)),
    { promise: 'Usage is numbers, or null where not measured.', mend: 'Use `unmeasuredUsage` for what is not known.' },
    end,
  );
  for (const hit of limitsHit) assertHit(hit, end);
}

function assertHit({ limit, value, evidence }: LimitHit, end: ExecutionEnd): void {
  holds(
    limits.includes(limit) && Number.isFinite(value) && value > 0 && isSentence(evidence),
    {
      promise: 'A limit that was hit has its name, its value, and evidence.',
      mend: 'Say what was seen: a counter of the kernel, or your own watchdog, e.g. "oom_kill 1 in memory.events".',
    },
    end,
  );
}

export type EndParts = Partial<Pick<ExecutionEnd, 'cause' | 'exitCode' | 'signal'>>;

/** Fails unless the end has these parts, and no limit was hit. */
export function endsAs(end: ExecutionEnd, parts: EndParts, what: string, mend: string): void {
  const seen = Object.fromEntries(Object.keys(parts).map((key) => [key, end[key as keyof EndParts]]));
  equal(
    { ...seen, limitsHit: end.limitsHit, reason: end.reason },
    { ...parts, limitsHit: [], reason: null },
    { promise: what, mend },
  );
}

/** Fails unless this limit, with this value, was hit. */
export function hitLimit(end: ExecutionEnd, limit: LimitName, value: number): void {
  const found = end.limitsHit.filter((hit) => hit.limit === limit);
  holds(
    found.length === 1 && found[0]?.value === value,
    {
      promise: `An end at the limit ${limit} names it once, with its value ${value}, and says how it is known.`,
      mend: `Read the kernel's counter (or your watchdog's) at the end, before you remove it, and put { limit: "${limit}", value, evidence } into limitsHit.`,
    },
    end,
  );
}
