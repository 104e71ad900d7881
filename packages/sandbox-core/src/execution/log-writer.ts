import type { FileHandle } from 'node:fs/promises';
import type { LogEntry } from '../contract/events.js';
import type { OutputChunk, OutputStream } from '../contract/provider.js';
import type { Losses, SealedBlock } from './block.js';
import { BlockBuilder, maxOutputRecordBytes, outputStreams, recordKinds } from './block.js';
import { BlockWriter } from './block-writer.js';
import { LineCounter } from './line-counter.js';

/** What entries may take together, besides errors and statuses; more are dropped. */
const entryLimitBytes = 8 * 1024 * 1024;

/** Makes records of what happens: numbers them, keeps the limits, counts what is lost. */
export class LogWriter {
  readonly #blocks: BlockWriter;
  readonly #lines = { stdout: new LineCounter(), stderr: new LineCounter() };
  #nextSeq = 1;
  #atUs = 0;
  #outputBytes = 0;
  #receivedBytes = 0;
  #entryBytes = 0;
  #droppedEntries = 0;
  #truncated = false;
  /** Errors and statuses since a failure: they come with the end. */
  readonly #unwritten: { readonly payload: Buffer; readonly atUs: number }[] = [];

  constructor(
    file: FileHandle,
    offset: number,
    private outputLimitBytes: number,
    written: (block: SealedBlock) => void,
    /** Bytes of output that readers have been given. */
    private readonly writtenBytes: () => number,
  ) {
    this.#blocks = new BlockWriter(file, offset, written);
  }

  get failure(): Error | null {
    return this.#blocks.failure;
  }
  /** Once output was discarded: the one at which it was. */
  get outputLimit(): number {
    return this.outputLimitBytes;
  }
  /** Where output was discarded already, what follows is, too: a gap in it would be told by nothing. */
  limitOutput(bytes: number): void {
    if (!this.#truncated) this.outputLimitBytes = bytes;
  }
  /** What was in the queue when writing failed is lost too. */
  get outputBytes(): number {
    return this.failure === null ? this.#outputBytes : this.writtenBytes();
  }
  get losses(): Losses {
    return {
      truncated: this.#truncated,
      discardedBytes: this.#receivedBytes - this.outputBytes,
      droppedEntries: this.#droppedEntries,
    };
  }

  output({ stream, data, at }: OutputChunk): Promise<void> | undefined {
    this.#receivedBytes += data.length;
    if (this.failure !== null) return undefined;
    const kept = data.subarray(0, this.#truncated ? 0 : Math.max(0, this.outputLimitBytes - this.#outputBytes));
    this.#outputBytes += kept.length;
    const atUs = this.#advance(at);
    for (let from = 0; from < kept.length;) {
      const block = this.#block(atUs);
      const piece = kept.subarray(from, from + maxOutputRecordBytes);
      const { bytes, lines, held } = this.#lines[stream].take(piece);
      block.output(stream, piece.subarray(0, bytes), lines, held, atUs);
      this.#nextSeq = block.nextSeq;
      from += bytes;
    }
    if (kept.length < data.length && !this.#truncated) {
      this.#truncated = true;
      this.#addLosses(this.#block(atUs), atUs); // known after a crash too; how much, the end says
    }
    if (kept.length > 0) this.#blocks.push();
    return this.#blocks.backpressure();
  }

  append(entry: LogEntry, at: number): void {
    const payload = Buffer.from(JSON.stringify(entry));
    const isVital = entry.type === 'error' || entry.type === 'status';
    const atUs = this.#advance(at);
    if (this.failure !== null && isVital) {
      this.#unwritten.push({ payload, atUs });
      return;
    }
    if (this.failure !== null || (!isVital && this.#entryBytes + payload.length > entryLimitBytes)) {
      this.#droppedEntries++;
      return;
    }
    if (!isVital) this.#entryBytes += payload.length;
    const block = this.#block(atUs);
    block.add({ kind: recordKinds.entry, numbers: 1, atUs }, payload);
    this.#nextSeq = block.nextSeq;
    this.#blocks.push();
  }

  /** Counts an entry that came too late. */
  drop(): void {
    this.#droppedEntries++;
  }

  async end(entry: LogEntry, at: number): Promise<void> {
    const atUs = this.#advance(at);
    const addEnd = (block: BlockBuilder, unfinished: readonly OutputStream[]): void => {
      for (const stream of unfinished) block.add({ kind: recordKinds.rest, stream, numbers: 1, atUs });
      if (this.losses.discardedBytes + this.losses.droppedEntries > 0) this.#addLosses(block, atUs);
      block.add({ kind: recordKinds.end, numbers: 1, atUs }, Buffer.from(JSON.stringify(entry)));
      this.#nextSeq = block.nextSeq;
    };
    if (this.failure === null) {
      addEnd(
        this.#block(atUs),
        outputStreams.filter((stream) => this.#lines[stream].pending > 0),
      );
      this.#blocks.push();
      await this.#blocks.flush();
    }
    if (this.failure !== null) {
      // Which lines are unfinished in what was written, each reader knows.
      const block = new BlockBuilder(this.#nextSeq, this.#unwritten[0]?.atUs ?? atUs, false);
      for (const late of this.#unwritten) {
        block.add({ kind: recordKinds.entry, numbers: 1, atUs: late.atUs }, late.payload);
      }
      addEnd(block, outputStreams);
      await this.#blocks.last(block);
    }
    await this.#blocks.sync();
  }

  flush(): Promise<void> {
    return this.#blocks.flush();
  }

  #block(atUs: number): BlockBuilder {
    return this.#blocks.building(() => {
      const { stdout, stderr } = this.#lines;
      return new BlockBuilder(this.#nextSeq, atUs, stdout.pending === 0 && stderr.pending === 0);
    });
  }

  #addLosses(block: BlockBuilder, atUs: number): void {
    block.add({ kind: recordKinds.losses, numbers: 0, atUs }, Buffer.from(JSON.stringify(this.losses)));
  }

  /** In whole µs. A time that goes back, or is none, becomes the last one. */
  #advance(at: number): number {
    const atUs = Math.round(at * 1000);
    if (atUs > this.#atUs && atUs < 2 ** 48) this.#atUs = atUs;
    return this.#atUs;
  }
}
