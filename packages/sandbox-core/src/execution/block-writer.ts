import type { FileHandle } from 'node:fs/promises';
import type { BlockBuilder, SealedBlock } from './block.js';
import { fullBlockBytes } from './block.js';
import { writeWhole } from './write-whole.js';

/** Above this many unwritten bytes the writer should wait, until they are fewer than the second. */
const highWaterBytes = 4 * 1024 * 1024;
const lowWaterBytes = 1024 * 1024;
/** A file that is mostly headers, because a program writes very little very often, is written to this often only. */
const paceMs = 5;
const freeBytes = 1024 * 1024;

/**
 * Writes blocks to the file, one at a time and at once; what comes meanwhile goes into the next block. A block is handed on
 * (`written`) when the file has it, so whatever a reader has seen outlives a crash of this process.
 */
export class BlockWriter {
  readonly #sealed: SealedBlock[] = [];
  #building: BlockBuilder | null = null;
  #sealedBytes = 0;
  #outputBytes = 0;
  #failure: Error | null = null;
  #running: Promise<void> | null = null;
  #hurry: (() => void) | null = null;
  #drained: { readonly promise: Promise<void>; readonly resolve: () => void } | null = null;

  constructor(
    private readonly file: FileHandle,
    private offset: number,
    private readonly written: (block: SealedBlock) => void,
  ) {}

  /** Why nothing is written any more. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** The block that takes the next records; `open` makes one. Call `push` after adding to it. */
  building(open: () => BlockBuilder): BlockBuilder {
    if (this.#building !== null && this.#building.size >= fullBlockBytes) this.#seal();
    return (this.#building ??= open());
  }

  push(): void {
    if (this.#sealed.length > 0) this.#hurry?.();
    this.#running ??= this.#run().then(() => {
      this.#running = null;
      if (this.#building !== null) this.push(); // added after the last look
    });
  }

  /** Resolves when fewer bytes wait; undefined: no need to wait. */
  backpressure(): Promise<void> | undefined {
    if (this.#waitingBytes() <= highWaterBytes) return undefined;
    this.#drained ??= withResolver();
    return this.#drained.promise;
  }

  /** Resolves when everything is written, or cannot be. */
  async flush(): Promise<void> {
    this.#hurry?.();
    while (this.#running !== null) await this.#running;
  }

  /** After a failure: one more try, for the last block. Whether it succeeds or not, readers get it. */
  async last(builder: BlockBuilder): Promise<void> {
    await this.flush();
    const block = builder.seal();
    try {
      await this.file.truncate(this.offset);
      await this.#write(block.bytes);
    } catch (error) {
      this.#fail(error);
    }
    this.written(block);
  }

  /** Returns when what was written is on the disk. */
  async sync(): Promise<void> {
    try {
      await this.file.datasync();
    } catch (error) {
      this.#fail(error);
    }
  }

  async #run(): Promise<void> {
    for (;;) {
      if (this.#sealed.length === 0 && this.#building !== null) {
        if (this.offset > 4 * this.#outputBytes + freeBytes) await this.#pace();
        this.#seal();
      }
      const block = this.#sealed.shift();
      if (block === undefined) break;
      try {
        if (this.#failure === null) await this.#write(block.bytes);
      } catch (error) {
        this.#fail(error);
      }
      this.#sealedBytes -= block.bytes.length;
      if (this.#waitingBytes() <= lowWaterBytes) this.#release();
      if (this.#failure === null) this.written(block);
    }
  }

  async #write(block: Buffer): Promise<void> {
    await writeWhole(this.file, block, this.offset);
    this.offset += block.length;
  }

  #seal(): void {
    const builder = this.#building;
    if (builder === null) return;
    this.#building = null;
    const block = builder.seal();
    this.#outputBytes += block.output.stdout + block.output.stderr;
    this.#sealedBytes += block.bytes.length;
    this.#sealed.push(block);
  }

  #waitingBytes(): number {
    return this.#sealedBytes + (this.#building?.size ?? 0);
  }

  #pace(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#hurry = null;
        resolve();
      };
      const timer = setTimeout(done, paceMs);
      this.#hurry = done;
    });
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }

  #release(): void {
    this.#drained?.resolve();
    this.#drained = null;
  }
}

function withResolver(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
