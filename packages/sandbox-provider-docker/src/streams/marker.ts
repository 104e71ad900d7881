/** A marker's words are shorter than this; what is longer was no marker. */
const LONGEST = 64;

export interface Scanned {
  /** What the program wrote, without markers. */
  readonly output: Buffer;
  /** What follows the nonce in each marker: `E 0 1`. */
  readonly words: readonly string[];
}

/**
 * Finds the lines `NONCE WORDS\n` that the program's shell writes into the program's output, and takes them out. A marker may come in
 * pieces and stand right behind output without a newline. Held back is only what may be the beginning of one.
 */
export class MarkerScanner {
  readonly #nonce: Buffer;
  #held: Buffer = Buffer.alloc(0);

  /** @param nonce begins with a byte that is rare in output, so that little is held back for its sake */
  constructor(nonce: string) {
    this.#nonce = Buffer.from(nonce);
  }

  push(chunk: Buffer): Scanned {
    let rest = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const output: Buffer[] = [];
    const words: string[] = [];
    for (;;) {
      const start = rest.indexOf(this.#nonce);
      if (start === -1) break;
      const from = start + this.#nonce.length;
      const end = rest.subarray(from, from + LONGEST).indexOf('\n');
      if (end === -1 && rest.length - from < LONGEST) {
        output.push(rest.subarray(0, start));
        this.#held = rest.subarray(start);
        return { output: Buffer.concat(output), words };
      }
      if (end === -1) {
        output.push(rest.subarray(0, from)); // no marker after all
        rest = rest.subarray(from);
      } else {
        output.push(rest.subarray(0, start));
        words.push(rest.toString('utf8', from, from + end).trim());
        rest = rest.subarray(from + end + 1);
      }
    }
    const keep = this.#beginningAtEnd(rest);
    output.push(rest.subarray(0, rest.length - keep));
    this.#held = rest.subarray(rest.length - keep);
    return { output: Buffer.concat(output), words };
  }

  /** At the stream's end: what was held back, and so was no marker. */
  end(): Buffer {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    return held;
  }

  /** How many of the last bytes are the first of a nonce. */
  #beginningAtEnd(data: Buffer): number {
    const longest = Math.min(data.length, this.#nonce.length - 1);
    for (let length = longest; length > 0; length--) {
      if (data.subarray(data.length - length).equals(this.#nonce.subarray(0, length))) return length;
    }
    return 0;
  }
}
