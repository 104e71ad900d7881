import { once } from 'node:events';
import type { Response } from 'express';
import { silenceLimitOf } from '../http/body-time.js';
import { leftSignal } from '../http/left.js';

/** That a reader takes something is seen only when a piece is gone as a whole. */
const pieceBytes = 64 * 1024;

export interface BodyStreamOptions {
  /** @default 200 */
  readonly status?: number;
  readonly contentType: string;
  /**
   * Written whenever nothing else was for so long, so that what stands between keeps the connection. A reader of such a stream may pause
   * for as long as it likes.
   */
  readonly heartbeat?: { readonly text: string; readonly everyMs: number };
}

/**
 * A response's body, written piece by piece at the pace of its reader. One without a heartbeat holds what others wait for: where its reader
 * takes nothing for as long as an upload may be silent, the connection ends.
 */
export class BodyStream {
  readonly #response: Response;
  readonly #left: AbortSignal;
  readonly #heartbeat: NodeJS.Timeout | undefined;
  /** In ms. */
  readonly #patience: number | undefined;

  /** Sends the headers at once. */
  constructor(response: Response, { status = 200, contentType, heartbeat }: BodyStreamOptions) {
    this.#response = response;
    response.statusCode = status;
    response.setHeader('Content-Type', contentType);
    // nginx and its like pass on what comes as it comes.
    response.setHeader('X-Accel-Buffering', 'no');
    response.flushHeaders();
    this.#left = leftSignal(response);
    this.#patience = heartbeat === undefined ? silenceLimitOf(response.req) : undefined;
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
    if (this.#patience === undefined || piece.length <= pieceBytes) return this.#write(piece);
    const bytes = Buffer.from(piece);
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      await this.#write(bytes.subarray(from, from + pieceBytes));
    }
  }

  async #write(piece: string | Uint8Array): Promise<void> {
    if (this.#left.aborted || piece.length === 0) return;
    this.#heartbeat?.refresh();
    if (this.#response.write(piece)) return;
    const timer = this.#limit();
    try {
      await once(this.#response, 'drain', { signal: this.#left });
    } catch (error) {
      if (!this.#left.aborted && !this.#response.destroyed) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  end(): void {
    clearInterval(this.#heartbeat);
    this.#response.end();
  }

  /** From now on. */
  #limit(): NodeJS.Timeout | undefined {
    if (this.#patience === undefined) return undefined;
    return setTimeout(() => this.#response.req.socket.destroy(), this.#patience);
  }
}
