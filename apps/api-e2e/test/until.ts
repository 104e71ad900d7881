import { setTimeout as delay } from 'node:timers/promises';

/** Waits until something holds; fails after the deadline. */
export async function until(holds: () => boolean | Promise<boolean>, deadlineMs = 30_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`This did not come true within ${deadlineMs} ms: ${holds.toString()}`);
    await delay(10);
  }
}
