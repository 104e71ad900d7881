import { once } from 'node:events';
import type { Response } from 'express';
import { leftSignal } from '../http/left.js';

export interface BodyStreamOptions {
  /** @default 200 */
  readonly status?: number;
  readonly contentType: string;
  /** Written whenever nothing else was for so long, so that what stands between keeps the connection. */
  readonly heartbeat?: { readonly text: string; readonly everyMs: number };
}

/** A response's body, written piece by piece at the pace of its reader. */
export class BodyStream {
  readonly #response: Response;
  readonly #left: AbortSignal;
  readonly #heartbeat: NodeJS.Timeout | undefined;

  /** Sends the headers at once. */
  constructor(response: Response, { status = 200, contentType, heartbeat }: BodyStreamOptions) {
    this.#response = response;
    response.statusCode = status;
    response.setHeader('Content-Type', contentType);
    // nginx and its like pass on what comes as it comes.
    response.setHeader('X-Accel-Buffering', 'no');
    response.flushHeaders();
    this.#left = leftSignal(response);
    if (heartbeat === undefined || this.#left.aborted) return;
    this.#heartbeat = setInterval(() => {
      if (!response.writableNeedDrain) response.write(heartbeat.text);
    }, heartbeat.everyMs);
    this.#left.addEventListener('abort', () => clearInterval(this.#heartbeat));
  }

  /** Aborted when the reader has left (or all was sent). */
  get left(): AbortSignal {
    return this.#left;
  }

  /** Resolves when there is room for more, or the reader has left. */
  async write(piece: string | Uint8Array): Promise<void> {
    if (this.#left.aborted || piece.length === 0) return;
    this.#heartbeat?.refresh();
    if (this.#response.write(piece)) return;
    await once(this.#response, 'drain', { signal: this.#left }).catch((error: unknown) => {
      if (!this.#left.aborted && !this.#response.destroyed) throw error;
    });
  }

  end(): void {
    clearInterval(this.#heartbeat);
    this.#response.end();
  }
}
