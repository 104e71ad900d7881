/** Lets in so many at once; the others wait, in their order. */
export class Slots {
  readonly #waiting: (() => void)[] = [];

  constructor(private free: number) {}

  /**
   * @returns gives the slot back
   * @throws the signal's reason; then it has none
   */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.free > 0) this.free -= 1;
    else await this.#turn(signal);
    return () => {
      const next = this.#waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(mine), 1);
        reject(signal.reason as Error);
      };
      const mine = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      this.#waiting.push(mine);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
