import { once } from 'node:events';
import type { Response } from 'express';

export interface BodyStreamOptions {
  readonly contentType: string;
  /** Written whenever nothing else was for so long, so that what stands between keeps the connection. */
  readonly heartbeat?: { readonly text: string; readonly everyMs: number };
}

/** A response's body, written piece by piece at the pace of its reader. */
export class BodyStream {
  readonly #response: Response;
  readonly #left = new AbortController();
  readonly #heartbeat: NodeJS.Timeout | undefined;
  #wrote = true;

  /** Sends the headers at once. */
  constructor(response: Response, { contentType, heartbeat }: BodyStreamOptions) {
    this.#response = response;
    response.statusCode = 200;
    response.setHeader('Content-Type', contentType);
    // nginx and its like pass on what comes as it comes.
    response.setHeader('X-Accel-Buffering', 'no');
    response.flushHeaders();
    response.once('close', () => {
      clearInterval(this.#heartbeat);
      this.#left.abort();
    });
    if (heartbeat === undefined) return;
    this.#heartbeat = setInterval(() => {
      if (!this.#wrote && !response.writableNeedDrain) response.write(heartbeat.text);
      this.#wrote = false;
    }, heartbeat.everyMs);
  }

  /** Aborted when the reader has left (or all was sent). */
  get left(): AbortSignal {
    return this.#left.signal;
  }

  /** Resolves when there is room for more, or the reader has left. */
  async write(text: string): Promise<void> {
    if (this.#left.signal.aborted || text === '') return;
    this.#wrote = true;
    if (this.#response.write(text)) return;
    await once(this.#response, 'drain', { signal: this.#left.signal }).catch((error: unknown) => {
      if (!this.#left.signal.aborted && !this.#response.destroyed) throw error;
    });
  }

  end(): void {
    clearInterval(this.#heartbeat);
    this.#response.end();
  }
}
