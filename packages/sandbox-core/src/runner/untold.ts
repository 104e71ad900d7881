/** The longest distance, in ms. */
const longestMs = 5 * 60_000;

export interface UntoldPorts {
  /** Before the first try, in ms; each next one comes after twice as long. */
  readonly firstMs: number;
  /** @returns whether it is told, so that it is not told again; does not throw */
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
    let allTold = true;
    for (const id of [...this.#ids]) {
      if (this.#closed) return;
      const told = await this.ports.tell(id);
      if (told || allTold) this.#ids.delete(id);
      // The others go first next time: a registry may take nothing for a while after it has failed.
      if (!told && allTold) this.#ids.add(id);
      allTold &&= told;
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
