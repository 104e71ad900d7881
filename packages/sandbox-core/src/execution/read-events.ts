import type { ExecutionEvent } from '../contract/events.js';
import type { BlockStore } from './block-store.js';
import { EventDecoder } from './event-decoder.js';
import { ReadWindow } from './read-window.js';

export interface ReadOptions {
  /** Only events with larger numbers. @default 0 */
  readonly after?: number;
  /** Ends the reading, quietly. */
  readonly signal?: AbortSignal;
  /** `data` events, with the bytes as they came, instead of `line` events. @default false */
  readonly raw?: boolean;
}

/** One reader's way through the log, in batches; waits for more until the end has come. */
export async function* readEvents(
  store: BlockStore,
  { after = 0, signal, raw = false }: ReadOptions,
): AsyncGenerator<readonly ExecutionEvent[], void, undefined> {
  const decoder = new EventDecoder(after, raw);
  const window = new ReadWindow();
  const isOver = (): boolean => store.closed || signal?.aborted === true;
  for (let offset = store.startFor(after); !isOver();) {
    if (offset === store.blocks.end) {
      if (store.finished) return;
      await store.changed(signal);
      continue;
    }
    for (const block of await store.blocksFrom(offset, window)) {
      offset += block.length;
      for (const batch of decoder.decode(block)) {
        if (isOver()) return;
        yield batch;
      }
    }
  }
}
