import { countNewlines, newline } from './newlines.js';
import { characterBoundary } from './utf8.js';

/** A line with more bytes before its newline comes in pieces of at most this many. */
export const maxLineBytes = 1024 * 1024;

/** What a stream's next bytes do to its lines. */
export interface CountedPiece {
  /** How many of the given bytes these figures are for; the rest is to be given again. */
  readonly bytes: number;
  /** Lines, or pieces of a long one, that end in them. */
  readonly lines: number;
  /** Not 0: they end a piece of a long line, all but so many of its last bytes, which begin the next piece. */
  readonly held: number;
}

/**
 * Follows the lines of one stream while it is written. It only counts; where a long line is cut stands in the record, so that
 * readers need no rule but "a newline ends a line".
 */
export class LineCounter {
  /** The last four bytes seen, in case a cut falls there. */
  readonly #edge = new Uint8Array(4);
  /** Bytes of the line that has not ended yet. */
  #pending = 0;

  get pending(): number {
    return this.#pending;
  }

  take(data: Uint8Array): CountedPiece {
    const first = data.indexOf(newline);
    const head = first === -1 ? data.length : first;
    if (this.#pending + head > maxLineBytes) {
      const bytes = maxLineBytes - this.#pending + 1;
      this.#remember(data.subarray(0, bytes));
      const held = 4 - characterBoundary(this.#edge, 3);
      this.#pending = held;
      return { bytes, lines: 1, held };
    }
    this.#remember(data);
    if (first === -1) {
      this.#pending += data.length;
      return { bytes: data.length, lines: 0, held: 0 };
    }
    this.#pending = data.length - 1 - data.lastIndexOf(newline);
    return { bytes: data.length, lines: countNewlines(data), held: 0 };
  }

  #remember(data: Uint8Array): void {
    const last = data.subarray(-4);
    this.#edge.copyWithin(0, last.length);
    this.#edge.set(last, 4 - last.length);
  }
}
