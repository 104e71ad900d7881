import { Socket } from 'node:net';
import type { OutputChunk, OutputStream } from '@ergon/sandbox-core';

/** Read ahead of the reader, in bytes; beyond it nothing is read, the pipes fill, and the program waits. */
const READ_AHEAD = 1 << 20;

/** Both output pipes of a program as one stream of chunks, in the order in which they were read. */
export class ProgramOutput implements AsyncIterable<OutputChunk> {
  readonly #sockets: Socket[];
  #queue: OutputChunk[] = [];
  #queued = 0;
  #open: number;
  #startedAt = performance.now();
  #wake: () => void = () => undefined;

  constructor(descriptors: Readonly<Record<OutputStream, number>>) {
    this.#sockets = (['stdout', 'stderr'] as const).map((stream) => this.#read(stream, descriptors[stream]));
    this.#open = this.#sockets.length;
  }

  /** From here the chunks' times count. */
  start(): void {
    this.#startedAt = performance.now();
  }

  #read(stream: OutputStream, fd: number): Socket {
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.on('data', (data) => {
      this.#queue.push({ stream, data, at: performance.now() - this.#startedAt });
      this.#queued += data.length;
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
        if (batch.length === 0) await arrival;
        yield* batch;
      }
    } finally {
      for (const socket of this.#sockets) socket.destroy(); // a program that goes on writing gets SIGPIPE
    }
  }
}
