import type { OutputChunk, OutputStream } from '@ergon/sandbox-core';

/** Read ahead of the reader, in bytes; beyond it nothing is read from the engine, its buffers fill, and the program waits. */
const READ_AHEAD = 1 << 20;

export interface Flow {
  pause(): void;
  resume(): void;
}

/** Both outputs of a program as one stream of chunks, in the order in which they were read. */
export class ProgramOutput implements AsyncIterable<OutputChunk> {
  #queue: OutputChunk[] = [];
  #queued = 0;
  #ended = false;
  #left = false;
  #wake: () => void = () => undefined;
  readonly #startedAt = performance.now();

  constructor(private readonly source: Flow) {}

  /** Nothing more is taken. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The reader has more than enough to read: nothing is read from the engine until it has taken that. */
  get isPaused(): boolean {
    return this.#queued >= READ_AHEAD;
  }

  push(stream: OutputStream, data: Uint8Array): void {
    if (data.length === 0 || this.#left || this.#ended) return;
    this.#queue.push({ stream, data, at: performance.now() - this.#startedAt });
    this.#queued += data.length;
    if (this.isPaused) this.source.pause();
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk, void, undefined> {
    try {
      for (;;) {
        const batch = this.#queue;
        this.#queue = [];
        this.#queued = 0;
        if (batch.length === 0 && this.#ended) return;
        const arrival = new Promise<void>((resolve) => (this.#wake = resolve));
        this.source.resume();
        if (batch.length === 0) await arrival;
        yield* batch;
      }
    } finally {
      this.#left = true; // what still comes is nobody's
      this.source.resume();
    }
  }
}
