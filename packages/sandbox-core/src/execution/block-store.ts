import type { FileHandle } from 'node:fs/promises';
import type { SealedBlock } from './block.js';
import type { Mark } from './marks.js';
import { markBlock, startFor } from './marks.js';
import type { ReadWindow } from './read-window.js';

/** Latest blocks kept in memory, so that live readers need no file. */
const recentBytes = 2 * 1024 * 1024;
/** What a block in memory costs besides its bytes, about. */
const blockOverheadBytes = 512;

/** The blocks that readers may see, as far as they go. */
export interface StoredBlocks {
  /** Where the next one will be in the file. */
  end: number;
  lastSeq: number;
  /** The last one has the end entry. */
  ended: boolean;
  /** Bytes of output in them. */
  readonly output: { stdout: number; stderr: number };
  readonly marks: Mark[];
}

/** Gives readers their blocks, from memory or from the file, and wakes those who wait for more. */
export class BlockStore {
  readonly #recent = new Map<number, Buffer>();
  readonly #waiting = new Set<() => void>();
  #recentBytes = 0;
  #closed = false;

  constructor(
    private readonly file: FileHandle,
    private readonly path: string,
    private readonly stored: StoredBlocks,
    /** More blocks will come. */
    private readonly live: boolean,
  ) {}

  get blocks(): Readonly<StoredBlocks> {
    return this.stored;
  }
  get closed(): boolean {
    return this.#closed;
  }
  /** Who has read all has nothing to wait for. */
  get finished(): boolean {
    return !this.live || this.stored.ended || this.#closed;
  }

  add(block: SealedBlock): void {
    const { stored } = this;
    const offset = stored.end;
    markBlock(stored.marks, offset, block.firstSeq, block.betweenLines);
    stored.end += block.bytes.length;
    stored.lastSeq = block.lastSeq;
    stored.ended ||= block.ends;
    stored.output.stdout += block.output.stdout;
    stored.output.stderr += block.output.stderr;
    this.#remember(offset, block.bytes);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** The offset at which a reader begins who knows all up to the number `after`. */
  startFor(after: number): number {
    return startFor(this.stored.marks, after) ?? this.stored.end;
  }

  /** Resolves when there is more to read, nothing more will come, or the signal aborts. */
  changed(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal?.addEventListener('abort', wake);
    });
  }

  /** One block or more from an offset below the end on; those from the file are good until the window's next use. */
  async blocksFrom(offset: number, window: ReadWindow): Promise<readonly Buffer[]> {
    const recent = this.#recent.get(offset);
    if (recent !== undefined) return [recent];
    const blocks = await window.read(this.file, offset, this.stored.end);
    if (blocks.length === 0) throw new Error(`The event log ${this.path} is damaged at byte ${offset}.`);
    return blocks;
  }

  #remember(offset: number, bytes: Buffer): void {
    this.#recent.set(offset, bytes);
    this.#recentBytes += bytes.length + blockOverheadBytes;
    for (const [oldest, { length }] of this.#recent) {
      // The newest stays, however large it is: when the disk is full, the last one is only here.
      if (this.#recentBytes <= recentBytes || this.#recent.size === 1) break;
      this.#recent.delete(oldest);
      this.#recentBytes -= length + blockOverheadBytes;
    }
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
