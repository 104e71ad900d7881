import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { OutputChunk, OutputStream } from '@ergon/sandbox-core';

/** Read ahead of the reader, in bytes; beyond it nothing is read, the pipes fill, and the program waits. */
const READ_AHEAD = 1 << 20;

/** Both outputs of a program as one stream of chunks, in the order in which they were read. */
export class ProgramOutput implements AsyncIterable<OutputChunk> {
  readonly #sockets: Socket[];
  #queue: OutputChunk[] = [];
  #queued = 0;
  #open: number;
  #startedAt = performance.now();
  #wake: () => void = () => undefined;
  /** Chunks that came. */
  #arrivals = 0;
  /** A reader waits for the next. */
  #waiting = false;

  constructor(sockets: Readonly<Record<OutputStream, Socket>>) {
    this.#sockets = [this.#read('stdout', sockets.stdout), this.#read('stderr', sockets.stderr)];
    this.#open = this.#sockets.length;
  }

  /** From here the chunks' times count. */
  start(): void {
    this.#startedAt = performance.now();
  }

  #read(stream: OutputStream, socket: Socket): Socket {
    socket.on('data', (data) => {
      this.#queue.push({ stream, data, at: performance.now() - this.#startedAt });
      this.#queued += data.length;
      this.#arrivals++;
      if (this.#queued >= READ_AHEAD) for (const each of this.#sockets) each.pause();
      this.#wake();
    });
    socket.on('error', () => socket.destroy()); // then 'close' follows
    socket.on('close', () => {
      this.#open--;
      this.#wake();
    });
    return socket;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk, void, undefined> {
    try {
      for (;;) {
        const batch = this.#queue;
        this.#queue = [];
        this.#queued = 0;
        if (batch.length === 0 && this.#open === 0) return;
        const arrival = new Promise<void>((resolve) => (this.#wake = resolve));
        for (const socket of this.#sockets) socket.resume();
        if (batch.length === 0) {
          this.#waiting = true;
          await arrival;
          this.#waiting = false;
        }
        yield* batch;
      }
    } finally {
      for (const socket of this.#sockets) socket.destroy(); // a program that goes on writing gets SIGPIPE
    }
  }

  /** Ends it although somebody may still hold the other ends: once a reader waited for so long, and nothing came. */
  async abandon(quietMs: number): Promise<void> {
    while (this.#open > 0) {
      const before = this.#waiting ? this.#arrivals : null;
      await delay(quietMs);
      if (before === this.#arrivals) for (const socket of this.#sockets) socket.destroy();
    }
  }
}
