import { setTimeout as delay } from 'node:timers/promises';
import { isInstanceAlive, SandboxError, sentenceOf } from '@ergon/sandbox-core';
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

/** An engine that was making something when its server died goes on with it for a while, in ms. */
const SETTLED_MS = 10_000;
const LONGEST_PAUSE_MS = 1000;

/**
 * Again until nothing is found, for things come late.
 *
 * @returns how many sandboxes it was of
 * @throws SandboxError SANDBOX011, with what stayed
 */
async function removeAll(
  engine: Engine,
  labels: readonly string[],
  isMeant: (object: Labelled) => boolean,
): Promise<number> {
  const sandboxes = new Set<string>();
  let deadline = Infinity;
  for (let pause = 0; ; pause = Math.min(pause * 2 + 50, LONGEST_PAUSE_MS)) {
    const { found, failure } = await removeOnce(engine, labels, isMeant);
    for (const object of found) sandboxes.add(object.labels[LABEL.sandbox] ?? '');
    if (found.length === 0) return sandboxes.size;
    if (performance.now() > deadline) throw stayed(found, failure);
    // From the first removal on: of many sandboxes it takes its time.
    deadline = Math.min(deadline, performance.now() + SETTLED_MS);
    await delay(pause);
  }
}

function stayed(found: readonly Labelled[], failure: Error | undefined): SandboxError {
  const names = found.slice(0, 5).map(({ name }) => name);
  const more = found.length > names.length ? ` and ${found.length - names.length} more` : '';
  const why =
    failure === undefined ? 'It says to have removed them, and lists them all the same.' : sentenceOf(failure);
  const message = `The Docker engine still has ${names.join(', ')}${more} after ${SETTLED_MS / 1000} s of tries. ${why}`;
  return new SandboxError('SANDBOX011', message, { cause: failure });
}

/** Containers first: what they use can't be removed before. */
async function removeOnce(
  engine: Engine,
  labels: readonly string[],
  isMeant: (object: Labelled) => boolean,
): Promise<{ readonly found: readonly Labelled[]; readonly failure: Error | undefined }> {
  const found: Labelled[] = [];
  const failures: Error[] = [];
  const remove = async (objects: readonly Labelled[], one: (id: string) => Promise<unknown>): Promise<void> => {
    const meant = objects.filter((object) => isOurs(object.name, object.labels) && isMeant(object));
    found.push(...meant);
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
