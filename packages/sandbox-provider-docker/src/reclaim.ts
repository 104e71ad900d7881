import { setTimeout as delay } from 'node:timers/promises';
import { isInstanceAlive } from '@ergon/sandbox-core';
import type { Engine, Labelled } from './engine/engine.js';
import { isOurs, LABEL } from './names.js';

/**
 * Removes what servers left that are gone: all of the instance `instanceId`, and of every other that is known to be dead. What another
 * machine's server has, on an engine that two share, is never touched: nothing is known of it here.
 * @returns how many sandboxes had something left
 */
export async function reclaimFrom(engine: Engine, instanceId: string | null): Promise<number> {
  const dead = ({ labels }: Labelled): boolean => {
    const instance = labels[LABEL.instance];
    return instance !== undefined && (instance === instanceId || isInstanceAlive(instance) === false);
  };
  return removeAll(engine, [LABEL.instance], dead);
}

/** Removes all that one sandbox has. */
export async function removeSandbox(engine: Engine, instanceId: string, sandboxId: string): Promise<void> {
  const labels = [`${LABEL.instance}=${instanceId}`, `${LABEL.sandbox}=${sandboxId}`];
  await removeAll(engine, labels, () => true);
}

/** An engine that was making something when its server died goes on with it for a while. */
const SETTLED_MS = 10_000;

/** Again until nothing is found, for things come late. @returns how many sandboxes it was of */
async function removeAll(
  engine: Engine,
  labels: readonly string[],
  isMeant: (object: Labelled) => boolean,
): Promise<number> {
  const sandboxes = new Set<string>();
  const deadline = performance.now() + SETTLED_MS;
  for (let pause = 50; ; pause *= 2) {
    const { found, failure } = await removeOnce(engine, labels, isMeant);
    for (const sandbox of found) sandboxes.add(sandbox);
    if (found.length === 0) return sandboxes.size;
    if (failure === undefined) continue;
    if (performance.now() > deadline) throw failure;
    await delay(pause);
  }
}

/** Containers first: what they use can't be removed before. */
async function removeOnce(
  engine: Engine,
  labels: readonly string[],
  isMeant: (object: Labelled) => boolean,
): Promise<{ readonly found: readonly string[]; readonly failure: Error | undefined }> {
  const found: string[] = [];
  const failures: Error[] = [];
  const remove = async (objects: readonly Labelled[], one: (id: string) => Promise<unknown>): Promise<void> => {
    const meant = objects.filter((object) => isOurs(object.name, object.labels) && isMeant(object));
    found.push(...meant.map((object) => object.labels[LABEL.sandbox] ?? ''));
    for (const outcome of await Promise.allSettled(meant.map(({ id }) => one(id)))) {
      if (outcome.status === 'rejected') failures.push(outcome.reason as Error);
    }
  };
  await remove(await engine.containers(labels), (id) => engine.removeContainer(id));
  await Promise.all([
    remove(await engine.volumes(labels), (id) => engine.removeVolume(id)),
    remove(await engine.networks(labels), (id) => engine.removeNetwork(id)),
  ]);
  return { found, failure: failures[0] };
}
