import { SandboxApiError, SandboxConnectionError } from './errors.js';

export interface ReconnectOptions {
  /** A connection on which nothing came for so long is given up for another, in ms. @default 30000 */
  readonly silenceMs?: number;
  /** After so long without any success, the error is told, in ms. @default 120000 */
  readonly giveUpMs?: number;
}

export type Reconnect = Required<ReconnectOptions>;

const firstPauseMs = 100;
const longestPauseMs = 5000;

/** Whether the same call may succeed later: nothing was answered, or by what stands between, or by a server that failed. */
export function mayPass(error: unknown): boolean {
  if (error instanceof SandboxConnectionError) return true;
  if (!(error instanceof SandboxApiError) || error.status === undefined || error.code !== undefined) return false;
  return error.status >= 500 || error.status === 408 || error.status === 429;
}

/** Tries again, with pauses that grow, and that differ so that many clients do not come back at the same moment. */
export class Attempts {
  readonly #giveUpMs: number;
  readonly #signal: AbortSignal | undefined;
  #failedSince: number | null = null;
  #failures = 0;

  constructor({ giveUpMs }: Reconnect, signal: AbortSignal | undefined) {
    this.#giveUpMs = giveUpMs;
    this.#signal = signal;
  }

  /** Something was gained: the next failure is a first one. */
  succeeded(): void {
    this.#failedSince = null;
    this.#failures = 0;
  }

  /** Resolves when it is time for another attempt. @throws what failed, if that is final or goes on for too long */
  async pauseAfter(error: unknown): Promise<void> {
    if (this.#signal?.aborted === true) throw this.#signal.reason;
    if (!mayPass(error)) throw error;
    const now = Date.now();
    this.#failedSince ??= now;
    if (now - this.#failedSince >= this.#giveUpMs) throw error;
    const most = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    await sleep(most * (0.5 + Math.random() / 2), this.#signal);
  }
}

type Attempt<Value> = (signal: AbortSignal | undefined) => Promise<Value>;

/** Calls until it succeeds. */
export async function persist<Value>(
  reconnect: Reconnect,
  signal: AbortSignal | undefined,
  attempt: Attempt<Value>,
): Promise<Value> {
  const attempts = new Attempts(reconnect, signal);
  for (;;) {
    try {
      return await attempt(signal);
    } catch (error) {
      await attempts.pauseAfter(error);
    }
  }
}

/** The same for calls that answer soon: one on which nothing comes is given up for another. Each has a signal of its own. */
export function persistWatched<Value>(
  reconnect: Reconnect,
  signal: AbortSignal | undefined,
  attempt: Attempt<Value>,
): Promise<Value> {
  return persist(reconnect, signal, async () => {
    const watch = new Watch(reconnect.silenceMs, signal);
    try {
      return await watch.awaiting(attempt(watch.signal));
    } finally {
      watch.end();
    }
  });
}

/** @throws the signal's reason */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', end);
      resolve();
    }, ms);
    if (signal?.aborted === true) end();
    else signal?.addEventListener('abort', end, { once: true });
  });
}

/** A signal that is aborted with another one, or when nothing came for too long while something was awaited. */
export class Watch {
  readonly #controller = new AbortController();
  readonly #silenceMs: number;
  readonly #outer: AbortSignal | undefined;
  readonly #follow = (): void => this.#controller.abort(this.#outer?.reason);

  constructor(silenceMs: number, outer: AbortSignal | undefined) {
    this.#silenceMs = silenceMs;
    this.#outer = outer;
    if (outer?.aborted === true) this.#follow();
    else outer?.addEventListener('abort', this.#follow, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async awaiting<Value>(promise: Promise<Value>): Promise<Value> {
    const timer = setTimeout(() => {
      const seconds = this.#silenceMs / 1000;
      this.#controller.abort(new SandboxConnectionError(`Nothing came from the server for ${seconds} s.`));
    }, this.#silenceMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends what goes on under the signal. */
  end(): void {
    this.#outer?.removeEventListener('abort', this.#follow);
    this.#controller.abort();
  }
}
