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
    this.#forgotten = true;
  }

  /** Probes now (or joins a probe under way). Never rejects: a probe that throws is a provider that is not available. */
  refresh(): Promise<ProviderProbe> {
    this.#running ??= this.#probe().finally(() => (this.#running = null));
    return this.#running;
  }

  async #probe(): Promise<ProviderProbe> {
    let probe: ProviderProbe;
    this.#forgotten = false;
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
    const before = this.#known?.probe.available;
    if (before !== undefined && before !== probe.available) {
      this.#logger.warn(probe.available ? 'A provider came back' : 'A provider went away', {
        provider: this.#provider.name,
        ...(probe.available ? {} : { reason: probe.reason }),
      });
    }
    this.#known = { probe, at: performance.now() };
    return probe;
  }
}
