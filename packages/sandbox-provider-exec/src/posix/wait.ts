import { setTimeout as delay } from 'node:timers/promises';

/** Asks again and again until it is true; false when `ms` have passed before. For kernel states that nothing announces. */
export async function holdsWithin(ms: number, condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + ms;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    if (await condition()) return true;
    if (performance.now() > deadline) return false;
    await delay(pause);
  }
}
