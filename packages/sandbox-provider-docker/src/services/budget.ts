/** How much of services' output a run's log takes; what follows is left out until the next run. */
export class Budget {
  #lines: number;
  #bytes: number;
  #told = false;

  constructor({ lines, bytes }: { readonly lines: number; readonly bytes: number }) {
    this.#lines = lines;
    this.#bytes = bytes;
  }

  /** Something is taken still, or is to be told of. */
  get isOpen(): boolean {
    return !this.#told;
  }

  /** @returns `last`: nothing more is taken, and nobody knows yet */
  take(text: string): 'taken' | 'last' | 'left out' {
    if (this.#told) return 'left out';
    this.#lines -= 1;
    // As JSON, in which a control character takes six bytes, and with what else an event has.
    this.#bytes -= Buffer.byteLength(JSON.stringify(text)) + 128;
    if (this.#lines >= 0 && this.#bytes >= 0) return 'taken';
    this.#told = true;
    return 'last';
  }
}

/** Of a log's 8 MiB of entries (see the core's log), and of the 1000 that wait for a first run. In all services together. */
export const RUN_BUDGET = { lines: Infinity, bytes: 4 << 20 } as const;
export const FIRST_BUDGET = { lines: 600, bytes: 1 << 20 } as const;
