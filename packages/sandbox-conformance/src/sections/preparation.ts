import { isSandboxError } from '@ergon/sandbox-core';
import { equal, holds, refuses, STEP_MS, succeeds, within } from '../promises.js';
import type { House } from '../house.js';
import { removal } from '../sandbox.js';
import { needsClaim, needsHardLimit, section } from '../suite.js';
import type { Section } from '../suite.js';

const atOnce = 5000;

export const preparation: Section = section('Preparation', [
  {
    name: 'of a solution that does not exist is refused with a sentence, leaves nothing, and its id can be used again',
    body: async (house) => {
      const config = house.config();
      await refuses(
        () => within(STEP_MS, 'prepare()', house.provider.prepare('none', `${house.folder}/no-such-folder`, config)),
        ['SANDBOX008', 'SANDBOX002', 'SANDBOX011'],
        {
          promise: 'A solution folder that does not exist is refused.',
          mend: 'Look for it before anything is made.',
        },
      );
      await house.assertNothingLeft();
      equal(await house.provider.cleanup(config.sandboxId), false, {
        promise: 'A sandbox whose preparation failed is unknown.',
        mend: 'Forget it when prepare() rejects.',
      });
      const solution = await house.solution();
      const mend = 'Forget the id when prepare() rejects.';
      await succeeds(STEP_MS, 'prepare() after one that failed', mend, () =>
        house.provider.prepare('some', solution, config),
      );
    },
  },
  {
    name: 'of a solution that does not fit onto the disk is refused, and leaves nothing',
    needs: needsHardLimit('disk'),
    body: async (house) => {
      const solution = await house.solution({ big: new Uint8Array(12 << 20) });
      const config = house.config({ limits: { diskBytes: 4 << 20 } });
      await refuses(
        () => within(STEP_MS, 'prepare()', house.provider.prepare('s', solution, config)),
        ['SANDBOX004', 'SANDBOX008', 'SANDBOX011'],
        {
          promise: 'A solution whose copy does not fit is refused by prepare().',
          mend: 'Let the copy to /workspace be whole, or fail.',
        },
      );
      await house.assertNothingLeft();
    },
  },
  {
    name: 'of an image that is not there is refused with a sentence that names it, and leaves nothing',
    needs: needsClaim('images', ({ capabilities }) => capabilities.images),
    body: async (house) => {
      const image = 'no-such-host.invalid/no-such-image:0';
      const config = house.config({ config: { image } });
      const solution = await house.solution();
      const error = await within(STEP_MS, 'prepare()', house.provider.prepare('s', solution, config)).then(
        () => 'it was prepared',
        (refusal: unknown) => refusal,
      );
      holds(
        isSandboxError(error) && error.message.includes(image),
        {
          promise: 'An image that is not there is a clear error, with its name.',
          mend: 'Look for it first, and never take another in its place.',
        },
        error,
      );
      await house.assertNothingLeft();
    },
  },
  {
    name: 'with a signal that was aborted before is refused, and leaves nothing',
    body: async (house) => {
      const config = house.config({ config: { signal: AbortSignal.abort() } });
      const solution = await house.solution();
      await refuses(
        () => within(atOnce, 'A cancelled prepare()', house.provider.prepare('s', solution, config)),
        ['SANDBOX011'],
        {
          promise: 'prepare() with an aborted signal is refused with SANDBOX011.',
          mend: 'Look at config.signal before and after each step.',
        },
      );
      await house.assertNothingLeft();
    },
  },
  {
    name: 'that is cancelled by its signal ends at once, at whatever moment, and leaves nothing',
    body: async (house) => {
      const usualMs = await timeOfPreparation(house);
      let [cancelled, underWay] = [0, 0];
      for (const part of [0, 0.1, 0.25, 0.4, 0.6, 0.8, 0.95]) {
        const abort = new AbortController();
        const config = house.config({ config: { signal: abort.signal } });
        const preparing = house.provider.prepare('s', await house.solution({ a: 'a' }), config).then(
          () => 'prepared' as const,
          (error: unknown) => error,
        );
        const first = await Promise.race([
          preparing.then(() => 'over'),
          new Promise((resolve) => setTimeout(resolve, usualMs * part, 'under way')),
        ]);
        abort.abort();
        if (first === 'under way') underWay++;
        const outcome = await within(
          atOnce,
          `A prepare() that is cancelled after ${Math.round(usualMs * part)} ms`,
          preparing,
        );
        if (outcome === 'prepared') await house.provider.cleanup(config.sandboxId);
        else {
          cancelled++;
          holds(
            isSandboxError(outcome),
            { promise: 'A cancelled prepare() rejects with a SandboxError.', mend: 'SANDBOX011 is its code.' },
            outcome,
          );
        }
        await house.assertNothingLeft();
      }
      holds(
        underWay > 0 && cancelled >= underWay / 2,
        {
          promise: 'The signal ends a preparation that is under way.',
          mend: 'Pass config.signal on to everything that prepare() waits for, or look at it after each step.',
        },
        `of ${underWay} preparations that were under way ${cancelled} were cancelled, the others went on to their end`,
      );
    },
  },
  {
    name: 'during which cleanup() comes ends at once, and leaves nothing',
    body: async (house) => {
      const usualMs = await timeOfPreparation(house);
      for (const part of [0, 0.3, 0.6]) {
        const config = house.config();
        const preparing = house.provider.prepare('s', await house.solution(), config).then(
          () => 'prepared' as const,
          () => 'cancelled' as const,
        );
        await Promise.race([preparing, new Promise((resolve) => setTimeout(resolve, usualMs * part))]);
        const cleaned = await succeeds(10_000, 'cleanup() during prepare()', removal, () =>
          house.provider.cleanup(config.sandboxId),
        );
        equal(cleaned, true, {
          promise: 'A sandbox that is being prepared is known: cleanup() cancels its preparation and is true.',
          mend: 'Record the sandbox when prepare() is called; let cleanup() abort the preparation and wait for it.',
        });
        await within(10_000, 'prepare() of a sandbox that was cleaned up', preparing);
        await house.assertNothingLeft();
      }
    },
  },
]);

/** What a preparation takes here, in ms: the shorter of two. */
async function timeOfPreparation(house: House): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 2; i++) {
    const solution = await house.solution({ a: 'a' });
    const config = house.config();
    const started = performance.now();
    await house.prepare(solution, config);
    times.push(performance.now() - started);
    await house.provider.cleanup(config.sandboxId);
  }
  return Math.min(...times);
}
