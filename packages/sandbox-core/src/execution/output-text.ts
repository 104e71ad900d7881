import { recordKinds, recordsOf } from './block.js';
import type { BlockStore } from './block-store.js';
import { ReadWindow } from './read-window.js';
import { characterBoundary } from './utf8.js';

export interface OutputText {
  readonly stdout: string;
  readonly stderr: string;
  /** More was captured than is here. */
  readonly shortened: boolean;
}

/** The beginning of each stream, decoded, at most `limitBytes` of it. */
export async function readText(store: BlockStore, limitBytes: number): Promise<OutputText> {
  const { end } = store.blocks;
  const captured = { ...store.blocks.output };
  // One byte more shows whether a character would be parted at the limit.
  const beginnings = {
    stdout: beginning(captured.stdout, limitBytes + 1),
    stderr: beginning(captured.stderr, limitBytes + 1),
  };
  const window = new ReadWindow();
  for (let offset = store.startFor(0); offset < end && !(beginnings.stdout.full && beginnings.stderr.full);) {
    for (const block of await store.blocksFrom(offset, window)) {
      offset += block.length;
      for (const { kind, stream, from, to } of recordsOf(block)) {
        if (kind === recordKinds.output) beginnings[stream].add(block.subarray(from, to));
      }
    }
  }
  return {
    stdout: beginnings.stdout.text(limitBytes),
    stderr: beginnings.stderr.text(limitBytes),
    shortened: captured.stdout > limitBytes || captured.stderr > limitBytes,
  };
}

interface Beginning {
  readonly full: boolean;
  add(bytes: Uint8Array): void;
  text(limitBytes: number): string;
}

function beginning(captured: number, wanted: number): Beginning {
  const buffer = Buffer.alloc(Math.min(captured, wanted));
  let length = 0;
  return {
    get full() {
      return length === buffer.length;
    },
    add(bytes) {
      const taken = bytes.subarray(0, buffer.length - length);
      buffer.set(taken, length);
      length += taken.length;
    },
    text(limitBytes) {
      const end = length <= limitBytes ? length : characterBoundary(buffer, limitBytes);
      return buffer.toString('utf8', 0, end);
    },
  };
}
