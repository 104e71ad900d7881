import { maxVolumes, SandboxError } from '@ergon/sandbox-core';
import type { SandboxTemplate, SandboxVolume, Volume, VolumeId, VolumeScope } from '@ergon/sandbox-core';
import { all } from '../all.js';
import { sizedVolumeOptions } from '../disk/index.js';
import type { Engine, LabelledVolume } from '../engine/engine.js';
import { hasStatus } from '../engine/errors.js';
import { isProgramUser } from '../identity.js';
import { Slots } from '../slots.js';
import { engineNameOf, labelsOfScope, VOLUME_LABEL } from './names.js';
import { measureVolumes } from './sizes.js';

/** A volume as a sandbox has it. */
export interface NamedVolume extends Pick<SandboxVolume, 'name' | 'target'> {
  /** Its name in the engine. */
  readonly volume: string;
}

/** Volumes that cannot be removed until they are released. */
export interface VolumeClaim {
  readonly volumes: readonly NamedVolume[];
  /** The uid of their files. Null: there are no volumes. */
  readonly user: number | null;
  /** Safe to call twice. */
  release(): void;
}

export interface ClaimOptions {
  /** The engine bounds volumes by itself. */
  readonly sized: boolean;
  /** A uid that is free, for a solution that has no volume yet. */
  readonly freshUser: () => number;
}

const nothing: VolumeClaim = { volumes: [], user: null, release: () => undefined };

/** Volumes of solutions, which outlive their sandboxes. Their labels in the engine are all that is known of them. */
export class NamedVolumes {
  /** How many sandboxes have each, by its name in the engine. */
  readonly #used = new Map<string, number>();
  readonly #removing = new Map<string, Promise<unknown>>();
  /** Counts of sizes that go on, and what ends each. */
  readonly #measuring = new Map<Promise<unknown>, AbortController>();
  readonly #making = new Slots(1);
  readonly #listing = new Slots(1);

  constructor(private readonly limitBytes: number) {}

  /**
   * Finds or makes a sandbox's volumes.
   * @throws SandboxError SANDBOX004 when the solution has too many
   */
  async claim(
    engine: Engine,
    { volumes = [], signal = new AbortController().signal }: Pick<SandboxTemplate, 'volumes' | 'signal'>,
    options: ClaimOptions,
  ): Promise<VolumeClaim> {
    const [first] = volumes;
    if (first === undefined) return nothing;
    const named = volumes.map(({ name, target, ...scope }) => ({
      name,
      target,
      volume: engineNameOf({ ...scope, name }),
    }));
    const release = await this.#hold(named.map(({ volume }) => volume));
    try {
      const leave = await this.#making.take(signal);
      try {
        return { volumes: named, user: await this.#make(engine, first, named, options), release };
      } finally {
        leave();
      }
    } catch (error) {
      release();
      throw error;
    }
  }

  async #hold(names: readonly string[]): Promise<() => void> {
    for (;;) {
      const removals = names.flatMap((name) => this.#removing.get(name) ?? []);
      if (removals.length === 0) break;
      await Promise.allSettled(removals);
    }
    const count = (name: string, more: 1 | -1): unknown => this.#used.set(name, (this.#used.get(name) ?? 0) + more);
    for (const name of names) count(name, 1);
    let held = true;
    return () => {
      if (held) for (const name of names) count(name, -1);
      held = false;
    };
  }

  /** Makes those that are missing. @returns the uid of all that the solution has */
  async #make(
    engine: Engine,
    solution: SandboxVolume,
    named: readonly NamedVolume[],
    { sized, freshUser }: ClaimOptions,
  ): Promise<number> {
    const labels = labelsOfScope(solution, solution.solutionId);
    const there = await engine.volumes(asFilters(labels));
    const missing = named.filter(({ volume }) => !there.some(({ name }) => name === volume));
    if (there.length + missing.length > maxVolumes) {
      const names = there.map(({ labels: its }) => its[VOLUME_LABEL.name] ?? '').sort();
      throw new SandboxError(
        'SANDBOX004',
        `The solution "${solution.solutionId}" has at most ${maxVolumes} volumes, and has ${names.join(', ')}. Remove one that is no longer needed.`,
        { field: 'volumes' },
      );
    }
    const user = there[0] === undefined ? freshUser() : userOf(there[0]);
    await all(
      missing.map(({ name, volume }) => {
        const own = {
          [VOLUME_LABEL.name]: name,
          [VOLUME_LABEL.user]: `${user}`,
          [VOLUME_LABEL.created]: new Date().toISOString(),
        };
        return engine.createVolume(volume, { ...labels, ...own }, sized ? sizedVolumeOptions(this.limitBytes) : {});
      }),
    );
    return user;
  }

  /** @param image of the container that counts their sizes; null: there is none, and no size is known */
  async list(
    engine: Engine,
    scope: VolumeScope,
    {
      solutionId,
      signal = new AbortController().signal,
    }: { readonly solutionId?: string; readonly signal?: AbortSignal },
    image: string | null,
    securityOpt: readonly string[],
  ): Promise<Volume[]> {
    const leave = await this.#listing.take(signal);
    try {
      const there = await engine.volumes(asFilters(labelsOfScope(scope, solutionId)), signal);
      const countable = there.map(({ name }) => name).filter((name) => !this.#removing.has(name));
      const sizes =
        image === null ? new Map<string, number>() : await this.#measure(engine, countable, image, securityOpt, signal);
      return there.map((volume) => this.#describe(volume, sizes.get(volume.name) ?? null));
    } finally {
      leave();
    }
  }

  async #measure(
    engine: Engine,
    names: readonly string[],
    image: string,
    securityOpt: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, number>> {
    const ended = new AbortController();
    const measuring = measureVolumes(engine.docker, {
      names,
      image,
      securityOpt,
      signal: AbortSignal.any([signal, ended.signal]),
    });
    this.#measuring.set(measuring, ended);
    try {
      return await measuring;
    } finally {
      this.#measuring.delete(measuring);
    }
  }

  #describe({ name, labels, options }: LabelledVolume, sizeBytes: number | null): Volume {
    return {
      solutionId: labels[VOLUME_LABEL.solution] ?? '',
      name: labels[VOLUME_LABEL.name] ?? '',
      sizeBytes,
      // One that the engine bounds keeps the bound with which it was made.
      limitBytes: Math.min(this.limitBytes, Number(options.size ?? Infinity)),
      created: labels[VOLUME_LABEL.created] ?? '',
      inUse: (this.#used.get(name) ?? 0) > 0,
    };
  }

  /** False: there is none. @throws SandboxError SANDBOX007 */
  async remove(engine: Engine, id: VolumeId): Promise<boolean> {
    const volume = engineNameOf(id);
    const inUse = (): SandboxError =>
      new SandboxError(
        'SANDBOX007',
        `The volume "${id.name}" of "${id.solutionId}" is in use. Remove its sandboxes first.`,
        {
          field: 'name',
        },
      );
    if ((this.#used.get(volume) ?? 0) > 0) throw inUse();
    const before = this.#removing.get(volume);
    const removal = (async () => {
      await before?.catch(() => undefined); // whoever asked for it is told
      for (const [measuring, ended] of this.#measuring) {
        ended.abort(new Error('A volume is being removed.'));
        await measuring.catch(() => undefined); // whoever asked for it is told
      }
      const there = await engine.volumes(asFilters(labelsOfScope(id, id.solutionId)));
      if (!there.some(({ name }) => name === volume)) return false;
      await engine.removeVolume(volume).catch((error: unknown) => {
        throw hasStatus(error, 409) ? inUse() : error;
      });
      return true;
    })();
    this.#removing.set(volume, removal);
    try {
      return await removal;
    } finally {
      if (this.#removing.get(volume) === removal) this.#removing.delete(volume);
    }
  }
}

function userOf({ name, labels }: LabelledVolume): number {
  const user = Number(labels[VOLUME_LABEL.user]);
  if (isProgramUser(user)) return user;
  throw new SandboxError('SANDBOX011', `The volume ${name} of the Docker engine does not say whose its files are.`);
}

function asFilters(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map((pair) => pair.join('='));
}
