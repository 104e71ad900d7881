import { setTimeout as delay } from 'node:timers/promises';
import type { LimitHit } from '@ergon/sandbox-core';

/** Something that is looked at again and again; answers with a limit that was passed. */
export interface Watched {
  /** @param signal ends the look, which may then throw */
  look(signal: AbortSignal): Promise<LimitHit | null>;
}

const FIRST_MS = 10;
const EVERY_MS = 100;

/** Keeps limits by looking: soon after the start, then ten times a second, or less often where looking itself takes long. */
export class Watchdog {
  readonly #stop = new AbortController();
  readonly #loops: readonly Promise<void>[];

  /** @param failed gets what kept it from looking: a limit that can't be watched must end the run */
  constructor(watched: readonly Watched[], exceeded: (hit: LimitHit) => void, failed: (error: unknown) => void) {
    this.#loops = watched.map((each) =>
      this.#watch(each, exceeded).catch((error: unknown) => {
        if (!this.#stop.signal.aborted) failed(error);
      }),
    );
  }

  async #watch(watched: Watched, exceeded: (hit: LimitHit) => void): Promise<void> {
    let pause = FIRST_MS;
    while (await this.#pause(pause)) {
      const started = performance.now();
      const hit = await watched.look(this.#stop.signal);
      if (hit !== null) {
        exceeded(hit);
        return;
      }
      const took = performance.now() - started;
      pause = Math.max(Math.min(pause * 2, EVERY_MS), took * 4);
    }
  }

  /** False once it was stopped. */
  async #pause(ms: number): Promise<boolean> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined);
    return !this.#stop.signal.aborted;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }
}
