/** A longer one would fire at once (Node: TIMEOUT_MAX). */
const longestTimerMs = 2 ** 31 - 1;

/** The wall time of one run, counted from its program's start. It may be changed before and while it runs. */
export class Deadline {
  #timer: NodeJS.Timeout | undefined;
  #running: { readonly since: number; readonly passed: () => void } | null = null;

  constructor(private timeoutMs: number) {}

  start(passed: () => void): void {
    this.#running = { since: performance.now(), passed };
    this.#arm();
  }

  /** One that has passed by now ends the run at once. */
  change(timeoutMs: number): void {
    this.timeoutMs = timeoutMs;
    this.#arm();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#running = null;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#running === null) return;
    const { since, passed } = this.#running;
    const leftMs = since + this.timeoutMs - performance.now();
    this.#timer = setTimeout(passed, Math.min(Math.max(leftMs, 0), longestTimerMs));
  }
}
