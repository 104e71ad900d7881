const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 100;

/** One line on a terminal that says what is waited for, and is gone before anything else is written there. */
export class Progress {
  #timer: NodeJS.Timeout | null = null;
  #text = '';
  readonly #started = performance.now();

  /** @param stream nothing is written where it is no terminal */
  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {}

  show(text: string): void {
    this.#text = text;
    if (!this.stream.isTTY || process.env.TERM === 'dumb' || this.#timer !== null) return;
    this.#timer = setInterval(() => this.#draw(), frameMs);
  }

  clear(): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.stream.write('\r\u001b[K');
  }

  #draw(): void {
    const ms = performance.now() - this.#started;
    const frame = frames[Math.floor(ms / frameMs) % frames.length] ?? '';
    this.stream.write(`\r\u001b[K${frame} ${this.#text} ${(ms / 1000).toFixed(1)} s`);
  }
}
