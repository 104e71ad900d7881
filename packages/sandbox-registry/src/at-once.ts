/** Lets so many things go on at one time; the others wait, first come first served. */
export class AtOnce {
  readonly #max: number;
  #running = 0;
  readonly #waiting = new Set<() => void>();

  constructor(max: number) {
    this.#max = max;
  }

  /** @throws the signal's reason, when it aborts before the turn comes */
  async run<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#running -= 1;
      const [next] = this.#waiting;
      next?.();
    }
  }

  #enter(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(enter);
        reject(signal.reason as Error);
      };
      const enter = (): void => {
        this.#waiting.delete(enter);
        signal.removeEventListener('abort', leave);
        this.#running += 1;
        resolve();
      };
      if (signal.aborted) leave();
      else if (this.#running < this.#max) enter();
      else {
        this.#waiting.add(enter);
        signal.addEventListener('abort', leave, { once: true });
      }
    });
  }
}
