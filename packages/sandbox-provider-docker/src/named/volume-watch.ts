import type { LimitHit } from '@ergon/sandbox-core';
import { BYTES_PER_FILE, look, watchUntil, type DiskUse, type Keeper } from '../disk/index.js';
import type { NamedVolume } from './named-volumes.js';

/**
 * Bounds what a sandbox's volumes grow by while one program runs. A volume that is too large when the program begins may stay as large, so that a program can tidy up; as it gets smaller, so does
 * what it may grow to. Files that were removed and are still open count to the sandbox's disk, on which the volumes lie as well.
 */
export class VolumeWatch {
  /** What each may take, in bytes. */
  readonly #allowed = new Map<NamedVolume, number>();

  private constructor(
    private readonly keeper: Pick<Keeper, 'use'>,
    private readonly limitBytes: number,
  ) {}

  /** Before the program begins. @throws SandboxError SANDBOX011; the signal's reason */
  static async begin(
    keeper: Pick<Keeper, 'use'>,
    volumes: readonly NamedVolume[],
    limitBytes: number,
    signal?: AbortSignal,
  ): Promise<VolumeWatch> {
    const watch = new VolumeWatch(keeper, limitBytes);
    for (const volume of volumes) {
      watch.#allowed.set(volume, Math.max(limitBytes, takenBy(await watch.#use(volume, signal))));
    }
    return watch;
  }

  /** Once, where one of them has grown too large, or can't be looked at any more. @returns ends the watch */
  start(exceeded: (hit: LimitHit) => void, failed: (error: unknown) => void): () => void {
    return this.#allowed.size === 0 ? () => undefined : watchUntil(() => this.over(), exceeded, failed);
  }

  /** Undefined: none of them is too large now. @throws SandboxError SANDBOX011 */
  async over(): Promise<LimitHit | undefined> {
    for (const [volume, allowed] of this.#allowed) {
      const use = await this.#use(volume);
      const hit = this.#judge(volume, use, allowed);
      if (hit !== undefined) return hit;
      this.#allowed.set(volume, Math.max(this.limitBytes, Math.min(allowed, takenBy(use))));
    }
    return undefined;
  }

  #use({ target }: NamedVolume, signal?: AbortSignal): Promise<DiskUse> {
    return look((over) => this.keeper.use(over, target), signal);
  }

  #judge({ name }: NamedVolume, use: DiskUse, allowed: number): LimitHit | undefined {
    const hit = { limit: 'disk', value: this.limitBytes } as const;
    if (use.uncountable !== null) {
      return { ...hit, evidence: `volume "${name}" has a folder too deep to be counted: ${use.uncountable}` };
    }
    if (takenBy(use) <= allowed) return undefined;
    return { ...hit, evidence: `volume "${name}" holds ${takenBy(use)} bytes in ${use.files} files, counted` };
  }
}

function takenBy({ bytes, files }: DiskUse): number {
  return Math.max(bytes, files * BYTES_PER_FILE);
}
