/** The longest distance, in ms. */
const longestMs = 5 * 60_000;

export interface UntoldPorts {
  /** Before the first try, in ms; each next one comes after twice as long. */
  readonly firstMs: number;
  /** @returns whether the registry has it now; does not throw */
  readonly tell: (executionId: string) => Promise<boolean>;
}

/** Results that the registry did not take: they are told again, at growing distances, until it has them. */
export class UntoldResults {
  readonly #ids = new Set<string>();
  #distanceMs: number;
  #timer: NodeJS.Timeout | null = null;
  #telling: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(private readonly ports: UntoldPorts) {
    this.#distanceMs = ports.firstMs;
  }

  add(executionId: string): void {
    this.#ids.add(executionId);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== null || this.#ids.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#telling = this.#tellAll();
    }, this.#distanceMs).unref();
  }

  async #tellAll(): Promise<void> {
    for (const id of [...this.#ids]) {
      if (this.#closed) return;
      if (await this.ports.tell(id)) this.#ids.delete(id);
    }
    this.#distanceMs = this.#ids.size === 0 ? this.ports.firstMs : Math.min(2 * this.#distanceMs, longestMs);
    this.#timer = null;
    this.#schedule();
  }

  /** Tells nothing more; the next start does. Settles when what is being told now has been. */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    return this.#telling;
  }
}
