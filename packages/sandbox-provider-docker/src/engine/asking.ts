import { bounded } from './bounded.js';
import { EngineFailure, hasStatus } from './errors.js';

/**
 * One call to an engine, in its time.
 *
 * @param doing for the sentence `Could not …`
 * @throws EngineFailure (SANDBOX011); the signal's reason
 */
export async function ask<Answer>(
  doing: string,
  ms: number,
  signal: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  try {
    return await bounded(ms, signal, call);
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new EngineFailure(doing, error);
  }
}

/** Null: what it is about is not there (any more). */
export async function unlessMissing<Answer>(call: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await call();
  } catch (error) {
    if (hasStatus(error, 404)) return null;
    throw error;
  }
}
