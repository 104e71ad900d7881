import { signalExitCodes } from './failure.js';
import type { EndingSignal } from './failure.js';

/** Signals to end: the first calls `stop`, a second of them `kill`. */
export class Interrupts implements Disposable {
  #first: EndingSignal | null = null;
  readonly #listeners = new Map<EndingSignal, () => void>();

  constructor(stop: () => void, kill: () => void) {
    for (const signal of Object.keys(signalExitCodes) as EndingSignal[]) {
      const listener = (): void => {
        if (this.#first !== null) {
          kill();
          return;
        }
        this.#first = signal;
        stop();
      };
      this.#listeners.set(signal, listener);
      process.on(signal, listener);
    }
  }

  /** What the program ends with because of one. Null: there was none. */
  get exitCode(): number | null {
    return this.#first === null ? null : signalExitCodes[this.#first];
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }
}
