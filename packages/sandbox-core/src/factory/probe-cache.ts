import type { ProviderProbe } from '../contract/capabilities.js';
import { sentenceOf } from '../contract/error.js';
import type { Logger } from '../contract/logger.js';
import type { SandboxProvider } from '../contract/provider.js';

/** A provider's last probe: kept for a short time, then refreshed in the background while the old one still answers. */
export class ProbeCache {
  readonly #provider: SandboxProvider;
  readonly #freshMs: number;
  readonly #logger: Logger;
  #known: { probe: ProviderProbe; at: number } | null = null;
  #running: Promise<ProviderProbe> | null = null;
  /** What a probe found counts while this is what it was at the probe's start. */
  #epoch = 0;
  #forgotten = false;

  constructor(provider: SandboxProvider, freshMs: number, logger: Logger) {
    this.#provider = provider;
    this.#freshMs = freshMs;
    this.#logger = logger;
  }

  /** The last answer at once, where there is one; starts a fresh probe when it is old. */
  get(): ProviderProbe | Promise<ProviderProbe> {
    const known = this.#known;
    if (known === null || this.#forgotten) return this.refresh();
    if (performance.now() - known.at > this.#freshMs) void this.refresh();
    return known.probe;
  }

  /** The last answer counts no more: who asks next waits for a new one. */
  forget(): void {
    this.#epoch += 1;
    this.#forgotten = true;
    this.#running = null;
  }

  /** Probes now (or joins a probe under way). Never rejects: a probe that throws is a provider that is not available. */
  refresh(): Promise<ProviderProbe> {
    if (this.#running !== null) return this.#running;
    const running = this.#probe().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }

  async #probe(): Promise<ProviderProbe> {
    let probe: ProviderProbe;
    const epoch = this.#epoch;
    try {
      probe = await this.#provider.probe();
    } catch (error) {
      this.#logger.error('A provider could not be probed', { provider: this.#provider.name, error: sentenceOf(error) });
      probe = {
        available: false,
        reason: `Its probe failed: ${sentenceOf(error)}`,
        fix: 'Read the log of the server.',
      };
    }
    if (epoch !== this.#epoch) return probe; // it may be of before the change: who waited for it has it, and nobody else
    const before = this.#known?.probe.available;
    if (before !== undefined && before !== probe.available) {
      this.#logger.warn(probe.available ? 'A provider came back' : 'A provider went away', {
        provider: this.#provider.name,
        ...(probe.available ? {} : { reason: probe.reason }),
      });
    }
    this.#forgotten = false;
    this.#known = { probe, at: performance.now() };
    return probe;
  }
}
