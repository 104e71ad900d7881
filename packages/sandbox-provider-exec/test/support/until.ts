import { setTimeout as delay } from 'node:timers/promises';

/** Waits for a condition; throws when it does not come true in time. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    if (await condition()) return;
    await delay(5);
  }
  throw new Error(`It did not come true within ${ms} ms: ${what}.`);
}
