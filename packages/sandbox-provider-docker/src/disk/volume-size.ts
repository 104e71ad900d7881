import { newInstanceId } from '@ergon/sandbox-core';
import { bounded } from '../engine/bounded.js';
import type { Engine } from '../engine/engine.js';
import { isEngineFailure } from '../engine/errors.js';
import { labelsOf, nameOf } from '../names.js';

/** DriverOpts of a local volume that the engine's own storage bounds. Enforced where `probeVolumeSize` says so; elsewhere the engine refuses to make it. */
export function sizedVolumeOptions(bytes: number): Record<string, string> {
  return { size: `${bytes}` };
}

/**
 * Whether the engine bounds local volumes by itself, with the project quotas of its storage (moby, `volume/local`: `size` alone, on a filesystem with prjquota): asked by making
 * one and removing it. It carries the labels of an instance that ends with this process, so that one that could not be removed is found by a later server.
 *
 * @returns null when the engine gives no answer
 * @throws the signal's reason
 */
export async function probeVolumeSize(engine: Engine, ms: number, signal?: AbortSignal): Promise<boolean | null> {
  const owner = { instanceId: newInstanceId(), sandboxId: 'probe', ownerId: 'probe' };
  const name = nameOf(owner.sandboxId, owner.instanceId);
  try {
    return await bounded(ms, signal, async () => {
      await engine.createVolume(name, labelsOf(owner, 'volume'), sizedVolumeOptions(1 << 20));
      await engine.removeVolume(name);
      return true;
    });
  } catch (error) {
    signal?.throwIfAborted();
    return isEngineFailure(error) && error.status !== null ? false : null;
  }
}
