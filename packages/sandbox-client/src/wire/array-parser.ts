import { unexpected } from '../errors.js';

/** Of an event; more than the longest line of output, however it is escaped, takes. */
const longestEvent = 16 * 1024 ** 2;
const what = 'The log of an execution';

/**
 * Reads the kept log of an execution while it comes: one JSON array, an event a line. An event is given as soon as it is whole, also where the
 * line's end, which the server sends before the next one, is not there yet.
 */
export class ArrayParser {
  #rest = '';
  #opened = false;
  #closed = false;

  /** The array's end was read: nothing is missing. */
  get closed(): boolean {
    return this.#closed;
  }

  /** @throws SandboxApiError as soon as it can be no such array */
  feed(text: string): unknown[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const values = lines.flatMap((line) => this.#parse(line));
    if (!this.#mayBegin(this.#rest) || this.#rest.length > longestEvent) throw unexpected(what);
    // An object is only JSON once its last brace is there; else it was one in the middle of it.
    if (/\}\]?$/.test(this.#rest)) {
      const whole = this.#event(this.#rest);
      if (whole !== null) this.#rest = '';
      values.push(...(whole ?? []));
    }
    return values;
  }

  /** Whether a line may begin so. */
  #mayBegin(start: string): boolean {
    return this.#opened ? /^(?:$|[,{\]])/.test(start) : ['', '[', '[]'].includes(start);
  }

  #parse(line: string): readonly unknown[] {
    if (!this.#mayBegin(line)) throw unexpected(what);
    if (line === '[') this.#opened = true;
    if (line === ']' || line === '[]') this.#closed = true;
    if (['', '[', ',', ']', '[]'].includes(line)) return [];
    const event = this.#event(line.endsWith(',') ? line.slice(0, -1) : line);
    if (event === null) throw unexpected(what);
    return event;
  }

  /** Null: it is none. The array's end may be on the same line. */
  #event(text: string): readonly unknown[] | null {
    const ends = text.endsWith(']');
    try {
      const value: unknown = JSON.parse(ends ? text.slice(0, -1) : text);
      this.#closed ||= ends;
      return [value];
    } catch {
      return null;
    }
  }
}
