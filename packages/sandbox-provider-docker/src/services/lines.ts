import { StringDecoder } from 'node:string_decoder';

/** A longer line is told in parts. */
const LONGEST_LINE = 16 * 1024;

export interface Line {
  readonly text: string;
  /** More of it follows. */
  readonly partial: boolean;
}

/** Makes whole lines of one stream's bytes. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  push(data: Buffer): Line[] {
    return this.#split(this.#decoder.write(data));
  }

  /** The stream has ended. */
  end(): Line[] {
    const lines = this.#split(this.#decoder.end());
    if (this.#rest !== '') lines.push({ text: this.#rest, partial: false });
    this.#rest = '';
    return lines;
  }

  #split(text: string): Line[] {
    const whole = (this.#rest + text).split('\n');
    this.#rest = whole.pop() ?? '';
    const lines = whole.flatMap((line) => parts(line.replace(/\r$/, ''), false));
    const begun = parts(this.#rest, true);
    this.#rest = begun.pop()?.text ?? '';
    return [...lines, ...begun];
  }
}

function parts(line: string, goesOn: boolean): Line[] {
  const count = Math.max(1, Math.ceil(line.length / LONGEST_LINE));
  return Array.from({ length: count }, (_, n) => ({
    text: line.slice(n * LONGEST_LINE, (n + 1) * LONGEST_LINE),
    partial: goesOn || n < count - 1,
  }));
}
