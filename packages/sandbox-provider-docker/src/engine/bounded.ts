import { setTimeout as delay } from 'node:timers/promises';

/** Within this an engine, or a container of ours, has to answer, though it be busy. */
export const ANSWER_MS = 60_000;
/** Making and starting a container waits for the engine's disks as well, as does unpacking a part of an archive. */
export const MAKE_MS = 120_000;

/**
 * Waits for an answer, but not beyond the signal or the time: an engine that hangs, or dies in the midst of its answer, leaves a request
 * that never settles.
 */
export async function bounded<Answer>(
  ms: number,
  signal: AbortSignal | undefined,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  signal?.throwIfAborted();
  const over = new AbortController();
  const ended = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  const cut = new Promise<never>((_, reject) => {
    ended.addEventListener('abort', () => reject(ended.reason as Error), { once: true });
  });
  const timer = new AbortController();
  void delay(ms, undefined, { signal: timer.signal }).then(
    () => over.abort(new Error(`it took longer than ${ms / 1000} s.`)),
    () => undefined, // it answered in time
  );
  try {
    return await Promise.race([ask(ended), cut]);
  } finally {
    timer.abort();
    cut.catch(() => undefined);
  }
}

/** Waits no longer than the signal lets; what is waited for goes on. @throws the signal's reason */
export async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  let forget = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
    forget = () => signal.removeEventListener('abort', fail);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    forget();
  }
}
