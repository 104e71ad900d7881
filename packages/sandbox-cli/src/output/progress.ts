const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 100;

/** One line on a terminal that says what is waited for, and is gone before anything else is written there. */
export class Progress {
  #timer: NodeJS.Timeout | null = null;
  #text = '';
  readonly #started = performance.now();

  /** @param stream nothing is written where it is no terminal */
  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {}

  /** Whether what `show` is given can be seen. */
  get isShown(): boolean {
    return this.stream.isTTY && process.env.TERM !== 'dumb';
  }

  show(text: string): void {
    this.#text = text;
    if (!this.isShown || this.#timer !== null) return;
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
    const time = ` ${(ms / 1000).toFixed(1)} s`;
    // A line that the terminal wraps could not be taken back.
    const room = Math.max(10, (this.stream.columns || 80) - frame.length - time.length - 2);
    const text = this.#text.length > room ? `${this.#text.slice(0, room - 1)}…` : this.#text;
    this.stream.write(`\r\u001b[K${frame} ${text}${time}`);
  }
}
