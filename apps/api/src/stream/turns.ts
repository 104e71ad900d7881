/** How long the writers of bodies, all together, may hold the event loop, in ms. */
const sliceMs = 8;

let began = 0;
let last: Promise<void> = Promise.resolve();

/**
 * For writers between two pieces of work: at once while there is time left, otherwise when all else was served and it is the caller's
 * turn. Each turn is one round of the event loop, so that many writers delay a request no more than one does.
 */
export async function takeTurn(): Promise<void> {
  if (performance.now() - began < sliceMs) return;
  last = last.then(
    () =>
      new Promise((resolve) => {
        setImmediate(() => {
          began = performance.now();
          resolve();
        });
      }),
  );
  await last;
}
