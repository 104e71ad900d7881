import type { Execution } from './execution.js';

/** Those who follow a sandbox's executions. */
export class Followers {
  readonly #tellers = new Set<(execution: Execution | null) => void>();

  /** One starts. */
  tell(execution: Execution): void {
    for (const tell of this.#tellers) tell(execution);
  }

  /** None starts any more. */
  end(): void {
    for (const tell of this.#tellers) tell(null);
    this.#tellers.clear();
  }

  /** @param running the one that goes on. The follower is told of all that start from this call on, until it leaves or there are no more. */
  follow(running: Execution | null, signal?: AbortSignal): AsyncGenerator<Execution, void, undefined> {
    const waiting: (Execution | null)[] = running === null ? [] : [running];
    let wake = (): void => undefined;
    const tell = (execution: Execution | null): void => {
      waiting.push(execution);
      wake();
    };
    const leave = (): void => {
      this.#tellers.delete(tell);
      tell(null);
    };
    this.#tellers.add(tell);
    signal?.addEventListener('abort', leave, { once: true });
    if (signal?.aborted === true) leave();
    return (async function* () {
      for (;;) {
        while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const execution = waiting.shift() ?? null;
        if (execution === null || signal?.aborted === true) return;
        yield execution;
      }
    })();
  }
}
