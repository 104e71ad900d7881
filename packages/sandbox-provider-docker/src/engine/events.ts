import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Engine } from './engine.js';

interface Announced {
  /** Another image, or another name of one. */
  images: [];
  /** A process of a container ended. */
  execEnded: [execId: string, exitCode: number];
  /** The stream is open: what was announced before was missed. */
  listening: [];
  /** The engine went away. */
  silent: [];
}

const FILTERS = {
  type: ['container', 'image'],
  event: ['exec_die', 'tag', 'untag', 'delete', 'pull', 'load', 'import'],
};

/** After a cut it is tried again, less and less often. */
const RETRY_MS = { first: 100, longest: 5000 };

/** What the engine announces by itself, for as long as this listens; over cuts, since engines are restarted. */
export class EngineEvents extends EventEmitter<Announced> {
  readonly #over = new AbortController();
  #started = false;
  #listening = false;

  constructor(private readonly engine: Engine) {
    super();
    this.setMaxListeners(0); // one for each run
  }

  /** Harmless when it has begun. Keeps no process alive. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    void this.#keepListening();
  }

  stop(): void {
    this.#over.abort();
  }

  async #keepListening(): Promise<void> {
    const { signal } = this.#over;
    let pause = RETRY_MS.first;
    while (!signal.aborted) {
      try {
        await this.#listen(signal, () => (pause = RETRY_MS.first));
      } catch {
        // The engine is not there: whoever calls it next is told so, and this tries again.
      }
      if (this.#listening) {
        this.#listening = false;
        this.emit('silent');
      }
      await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
      pause = Math.min(pause * 2, RETRY_MS.longest);
    }
  }

  async #listen(signal: AbortSignal, opened: () => void): Promise<void> {
    const stream = await this.engine.events(FILTERS, signal);
    opened();
    if ('socket' in stream) (stream.socket as { unref(): void }).unref();
    this.#listening = true;
    const closed = once(stream, 'close'); // rejects when the stream fails
    createInterface(stream)
      .on('line', (line) => this.#announce(line))
      .on('error', () => undefined); // the stream's own, which rejects `closed`
    this.emit('listening');
    await closed;
  }

  #announce(line: string): void {
    const event = parseEvent(line);
    if (event?.Type === 'image') this.emit('images');
    // Others' health checks are such, too.
    const { execID, exitCode } = event?.Actor?.Attributes ?? {};
    if (event?.Action === 'exec_die' && execID !== undefined) this.emit('execEnded', execID, Number(exitCode));
  }
}

/** Engine API, GET /events. Null: half a line, since the engine died as it wrote it. */
function parseEvent(
  line: string,
): { Type?: string; Action?: string; Actor?: { Attributes?: Record<string, string> } } | null {
  try {
    return JSON.parse(line) as ReturnType<typeof parseEvent>;
  } catch {
    return null;
  }
}
