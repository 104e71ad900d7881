import { setTimeout as delay } from 'node:timers/promises';
import type { LimitHit } from '@ergon/sandbox-core';

/** Something that is looked at again and again; answers with a limit that was passed. */
export interface Watched {
  look(): Promise<LimitHit | null>;
}

const FIRST_MS = 10;
const EVERY_MS = 100;

/** Keeps limits by looking: soon after the start, then ten times a second, or less often where looking itself takes long. */
export class Watchdog {
  readonly #stop = new AbortController();
  readonly #loops: readonly Promise<void>[];

  /** @param failed gets what kept it from looking: a limit that can't be watched must end the run */
  constructor(watched: readonly Watched[], exceeded: (hit: LimitHit) => void, failed: (error: unknown) => void) {
    this.#loops = watched.map((each) => this.#watch(each, exceeded).catch(failed));
  }

  async #watch(watched: Watched, exceeded: (hit: LimitHit) => void): Promise<void> {
    for (let every = FIRST_MS; !this.#stop.signal.aborted; every = Math.min(every * 2, EVERY_MS)) {
      const started = performance.now();
      const hit = await watched.look();
      if (hit !== null) {
        exceeded(hit);
        return;
      }
      const took = performance.now() - started;
      await delay(Math.max(every, took * 4), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }
}
