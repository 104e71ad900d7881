/**
 * Reads the kept log of an execution while it comes: one JSON array, an event a line. An event is given as soon as it is whole, also where the
 * line's end, which the server sends before the next one, is not there yet.
 */
export class ArrayParser {
  #rest = '';
  #closed = false;

  /** The array's end was read: nothing is missing. */
  get closed(): boolean {
    return this.#closed;
  }

  /** @throws SyntaxError at what is no such array */
  feed(text: string): unknown[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const values = lines.flatMap((line) => this.#parse(line));
    // An object is only JSON once its last brace is there.
    if (this.#rest.endsWith('}')) {
      try {
        values.push(JSON.parse(this.#rest));
        this.#rest = '';
      } catch {
        // a brace in the middle of it
      }
    }
    return values;
  }

  #parse(line: string): unknown[] {
    if (line === '[' || line === ',' || line === '') return [];
    if (line === ']' || line === '[]') {
      this.#closed = true;
      return [];
    }
    return [JSON.parse(line.endsWith(',') ? line.slice(0, -1) : line) as unknown];
  }
}
