import { reading } from './http.js';
import { Attempts, Watch } from './retry.js';
import type { Reconnect } from './retry.js';

/** Gives what lies behind the first `done` bytes of something that never changes. */
type ReadFrom = (done: number, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;

/**
 * One stream over as many connections as it takes: each goes on where the last one broke, or fell silent.
 * @throws what the first one fails with, where that is final
 */
export async function resumedStream(
  reconnect: Reconnect,
  signal: AbortSignal | undefined,
  readFrom: ReadFrom,
): Promise<ReadableStream<Uint8Array>> {
  const pieces = piecesOf(reconnect, signal, readFrom);
  let next: IteratorResult<Uint8Array, void> | null = await pieces.next();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = next ?? (await pieces.next());
        next = null;
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await pieces.return();
      },
    },
    { highWaterMark: 0 },
  );
}

async function* piecesOf(
  reconnect: Reconnect,
  signal: AbortSignal | undefined,
  readFrom: ReadFrom,
): AsyncGenerator<Uint8Array, void, undefined> {
  const attempts = new Attempts(reconnect, signal);
  let given = 0;
  for (;;) {
    const watch = new Watch(reconnect.silenceMs, signal);
    try {
      const reader = (await watch.awaiting(readFrom(given, watch.signal))).getReader();
      for (;;) {
        const { done, value } = await watch.awaiting(reading(watch.signal, () => reader.read()));
        if (done) return;
        given += value.length;
        attempts.succeeded();
        yield value;
      }
    } catch (error) {
      await attempts.pauseAfter(error);
    } finally {
      watch.end();
    }
  }
}
