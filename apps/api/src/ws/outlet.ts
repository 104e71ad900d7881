import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** What may wait for a slow reader, in bytes. */
const highWaterBytes = 1024 ** 2;

/** Sends messages at the pace of their reader. */
export class Outlet {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;

  constructor(webSocket: WebSocket, socket: Socket) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  /** Resolves when there is room for more, or the reader has left. */
  async send(messages: readonly string[]): Promise<void> {
    let taken: Promise<void> = Promise.resolve();
    this.#socket.cork(); // many small messages in one write
    for (const message of messages) {
      // What cannot be sent is for a reader that has left, and its connection's end says so.
      taken = new Promise((resolve) => this.#webSocket.send(message, () => resolve()));
    }
    this.#socket.uncork();
    if (this.#webSocket.bufferedAmount > highWaterBytes) await taken;
  }
}
