import type { Progress } from './progress.js';
import { plain, say } from './words.js';

/** Between two lines of a step's progress where there is no terminal, in ms. */
const LINE_MS = 10_000;

/** What a run waits for before it starts. */
interface Told {
  readonly type: string;
  readonly phase?: unknown;
  readonly message?: unknown;
  readonly done?: unknown;
  readonly total?: unknown;
}

/** Shows what a sandbox waits for before its program starts: in the line of a terminal, elsewhere in few lines of their own. */
export class Preparation {
  /** `-Infinity`: the next progress is told at once. */
  #lastLine = -Infinity;
  #over = false;

  constructor(
    private readonly progress: Progress,
    private readonly tell: (sentence: string) => void = say,
  ) {}

  /** Takes any event of a run. */
  take(event: Told): void {
    if (this.#over) return;
    const { type, phase, message } = event;
    if (type === 'phase' && phase === 'started') {
      this.#over = true;
      this.progress.show('Running');
    } else if (type === 'phase' && typeof message === 'string') {
      this.#lastLine = performance.now();
      if (this.progress.isShown) this.progress.show(plain(message).replace(/\.$/, ''));
      else this.tell(plain(message));
    } else if (type === 'progress') this.#step(progressText(event));
  }

  #step(text: string | null): void {
    if (text === null) return;
    if (this.progress.isShown) this.progress.show(text);
    else if (performance.now() - this.#lastLine >= LINE_MS) {
      this.#lastLine = performance.now();
      this.tell(`${text}.`);
    }
  }
}

/** Null: nothing that a person could read. */
function progressText({ phase, done, total }: Told): string | null {
  if (typeof phase !== 'string' || typeof done !== 'number') return null;
  const name = plain(phase).replace(/^./, (letter) => letter.toUpperCase());
  // Transfers are counted in bytes, all else in steps.
  const isBytes = /^(pulling|unpacking)$/.test(phase);
  const amount = (count: number): string => (isBytes ? (count / 1e6).toFixed(1) : String(count));
  return `${name}: ${amount(done)}${typeof total === 'number' ? ` of ${amount(total)}` : ''}${isBytes ? ' MB' : ''}`;
}
