/** Keep no more than this for the next line once a longer one is done. */
const keptBytes = 64 * 1024;

/** The bytes of a line that has not ended yet, copied, so that a few of them never hold a whole block in memory. */
export class Carry {
  #buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2, 256));
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, this.#length);
    this.#length = needed;
  }

  /** Takes all but the last `held` bytes out, decoded. */
  take(held = 0): string {
    const end = this.#length - held;
    const text = this.#buffer.toString('utf8', 0, end);
    const rest = this.#buffer.subarray(end, this.#length);
    if (this.#buffer.length > keptBytes) this.#buffer = Buffer.from(rest);
    else this.#buffer.copyWithin(0, end, this.#length);
    this.#length = held;
    return text;
  }
}
