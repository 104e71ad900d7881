import { setTimeout as delay } from 'node:timers/promises';
import { sentenceOf } from '@ergon/sandbox-core';
import type { SeenEnd } from './end.js';
import type { RunContainer } from './run-container.js';

/** Why a container ended that nobody ended here. */
export async function explain(container: RunContainer): Promise<SeenEnd> {
  let reason: string;
  try {
    const state = await container.engine.containerState(container.id);
    if (state === null) reason = 'The container was removed from outside.';
    else if (state.oomKilled) return { by: 'kill' };
    else if (state.running) {
      await container.kill();
      reason = 'The connection to the container was cut.';
    } else reason = 'The container was ended from outside.';
  } catch (error) {
    reason = `The Docker engine went away while the program ran. ${sentenceOf(error)}`;
  }
  return { by: 'container', reason };
}

/**
 * A container's connection ends when its main process does, a moment before the kernel has ended the others; the engine knows when all are gone.
 *
 * @param lost its fate may stay unknown
 * @param over nobody waits any more
 * @returns whether the kernel ended one of its processes for want of memory, as far as the engine knows
 */
export async function untilGone(container: RunContainer, lost: boolean, over: () => boolean): Promise<boolean> {
  await container.ended;
  let oomKilled = false;
  for (let pause = 2; !over(); pause = Math.min(pause * 2, 100)) {
    try {
      const state = await container.engine.containerState(container.id);
      oomKilled = state?.oomKilled === true;
      if (state?.running !== true) break;
    } catch (error) {
      if (lost) break;
      throw error;
    }
    await delay(pause);
  }
  return oomKilled;
}
