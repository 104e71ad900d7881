import assert from 'node:assert/strict';
import { inspect, isDeepStrictEqual } from 'node:util';
import { isSandboxError, sentenceOf } from '@ergon/sandbox-core';
import type { SandboxErrorCode } from '@ergon/sandbox-core';

/** What one step of a provider may take, in ms: less than a test, so that a step that hangs is told by its name. */
export const STEP_MS = 50_000;

/** What is told when a promise of the contract is broken: the promise itself, and what the provider's author mends. */
export interface Promised {
  readonly promise: string;
  readonly mend: string;
}

/** Fails unless the condition is true. `seen` is shown. */
export function holds(condition: boolean, promised: Promised, seen?: unknown): asserts condition {
  if (!condition) assert.fail(describe(promised, seen));
}

/** Fails unless both are deeply and strictly equal. */
export function equal(actual: unknown, expected: unknown, promised: Promised): void {
  // Clones, since a runner may give tests a realm of their own, and then arrays of Node's own functions have another prototype. Not
  // assert.deepEqual: runners would show its operands once more, at length, before the message.
  if (isDeepStrictEqual(structuredClone(actual), structuredClone(expected))) return;
  assert.fail(describe(promised, actual, expected));
}

/** Fails unless the action is refused with a SandboxError of one of these codes and a sentence. */
export async function refuses(
  action: () => Promise<unknown>,
  codes: readonly SandboxErrorCode[],
  promised: Promised,
): Promise<void> {
  let seen: unknown;
  try {
    seen = await action();
  } catch (error) {
    holds(isSandboxError(error), { ...promised, promise: `${promised.promise} It has to be a SandboxError.` }, error);
    holds(codes.includes(error.code), promised, `${error.code}: ${error.message}`);
    holds(
      isSentence(error.message),
      { ...promised, promise: 'An error says what happened in a sentence.' },
      error.message,
    );
    return;
  }
  assert.fail(describe(promised, seen, `a SandboxError with code ${codes.join(' or ')}`));
}

/** Something a person can read: a few words, no placeholder. */
export function isSentence(text: unknown): text is string {
  return typeof text === 'string' && /\S+ \S+/.test(text) && !/\bundefined\b|\[object /.test(text);
}

/** Waits for a step of the provider, which must not hang. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(
        new assert.AssertionError({
          message: describe({
            promise: `${what} settles.`,
            mend: `It had not after ${ms} ms. Find what it waits for: an event of a process that is gone, or a pipe that another process still holds.`,
          }),
        }),
      );
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for a step of the provider, which must neither hang nor fail. `mend` is told where it fails. */
export async function succeeds<T>(ms: number, what: string, mend: string, work: () => Promise<T>): Promise<T> {
  try {
    return await within(ms, what, work());
  } catch (error) {
    throw asBroken(error, { promise: `${what} does not fail.`, mend });
  }
}

/** What a test's own check found, as it is; anything else is the failure of a step that must not fail. */
export function asBroken(error: unknown, promised: Promised): unknown {
  if (error instanceof assert.AssertionError) return error;
  const seen = isSandboxError(error) ? `${error.code}: ${error.message}` : sentenceOf(error);
  return new assert.AssertionError({ message: describe(promised, seen) });
}

/** Runs all, in order, whatever fails; then fails with every failure told. */
export async function all(...steps: readonly (() => Promise<void>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 0) return;
  if (failures.length === 1) throw failures[0];
  const message = failures.map(sentenceOf).join('\n\nAnd also:\n\n');
  throw new AggregateError(failures, message);
}

function describe({ promise, mend }: Promised, seen?: unknown, expected?: unknown): string {
  const lines = [`Broken promise: ${promise}`];
  if (seen !== undefined) lines.push(`Seen: ${show(seen)}`);
  if (expected !== undefined) lines.push(`Expected: ${show(expected)}`);
  return [...lines, `To mend: ${mend}`].join('\n');
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 5, breakLength: 120 });
  return text.length > 2000 ? `${text.slice(0, 2000)}… (${text.length} characters)` : text;
}
