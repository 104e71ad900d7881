import { sentenceOf } from '../contract/error.js';
import type { Logger } from '../contract/logger.js';
import type { SandboxFactory } from '../factory/factory.js';
import { reclaimLeftovers, reclaimStrays } from './recovery.js';

export interface ReclaimerOptions {
  readonly dataDir: string;
  readonly instanceId: string;
  readonly factory: SandboxFactory;
  readonly logger: Logger;
  /** Between two looks, in ms. */
  readonly everyMs: number;
}

/** Looks at intervals for what dead servers left, and removes it. */
export class Reclaimer {
  readonly #options: ReclaimerOptions;
  /** Earlier starts of which something could not be removed, which was said. */
  readonly #told = new Set<string>();
  /** The look under way, or the last one. */
  #looking: Promise<void> = Promise.resolve();
  #isLooking = false;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: ReclaimerOptions) {
    this.#options = options;
  }

  /** What earlier starts on this data folder left. */
  reclaimOwn(): Promise<void> {
    const { dataDir, instanceId, factory, logger } = this.#options;
    return reclaimLeftovers(dataDir, instanceId, factory, logger, this.#told);
  }

  /** Begins with what other servers left. */
  start(): void {
    this.#looking = reclaimStrays(this.#options.factory, this.#options.logger);
    this.#timer = setInterval(() => this.#look(), this.#options.everyMs).unref();
  }

  #look(): void {
    if (this.#isLooking) return; // a technology that hangs is not asked again and again
    this.#isLooking = true;
    const { factory, logger } = this.#options;
    this.#looking = this.#looking
      .then(async () => {
        if (!this.#closed) await this.reclaimOwn(); // the data folder may be another's by now
      })
      .then(() => reclaimStrays(factory, logger))
      .catch((error: unknown) => {
        logger.error('Leftovers could not be looked for', { error: sentenceOf(error) });
      })
      .finally(() => (this.#isLooking = false));
  }

  /** Looks no more. Settles with the look under way. */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    return this.#looking;
  }
}
