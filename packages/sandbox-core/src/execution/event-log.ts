import { open, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { ExecutionEvent, LogEntry } from '../contract/events.js';
import type { OutputChunk } from '../contract/provider.js';
import { fileHeader } from './block.js';
import { BlockStore } from './block-store.js';
import { LogWriter } from './log-writer.js';
import { readText } from './output-text.js';
import type { OutputText } from './output-text.js';
import { readEvents } from './read-events.js';
import type { ReadOptions } from './read-events.js';
import { sealRecovery, writeRecovery } from './recover-log.js';
import { emptyLog, scanLog } from './scan-log.js';
import type { ScannedLog } from './scan-log.js';

export interface EventLogOptions {
  /** Captured bytes, both streams together; what follows is discarded. */
  readonly outputLimitBytes: number;
}

type EndEntry = LogEntry & { readonly type: 'end' };

/**
 * The events of one execution, numbered, in a file. One writer; any number of readers, each at its own pace and in bounded memory.
 * Readers see an event once the file has it, about 0.1 ms after it came, so none is lost when this process dies.
 *
 * Output takes one number for its bytes, and one for each line that ends in them: readers of lines and of raw data share the
 * numbers, and see some of them only.
 */
export class EventLog implements AsyncDisposable {
  readonly #started = performance.now();
  readonly #store: BlockStore;
  readonly #writer: LogWriter | null;
  #failure: Error | null = null;
  /** Nothing is taken any more. */
  #sealed: boolean;
  #ending: Promise<void> | undefined;

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly scanned: ScannedLog,
    options: EventLogOptions | null,
  ) {
    const { stored } = scanned;
    const store = (this.#store = new BlockStore(file, path, stored, options !== null));
    this.#sealed = options === null;
    this.#writer =
      options === null
        ? null
        : new LogWriter(
            file,
            stored.end,
            options.outputLimitBytes,
            (block) => store.add(block),
            () => stored.output.stdout + stored.output.stderr,
          );
  }

  /** Begins an execution's log, and its clock. @throws Error EEXIST when the file exists, or what else the file system says. */
  static async create(path: string, options: EventLogOptions): Promise<EventLog> {
    const file = await open(path, 'wx+', 0o600);
    try {
      await file.writeFile(fileHeader);
    } catch (error) {
      await file.close();
      await unlink(path);
      throw error;
    }
    return new EventLog(path, file, emptyLog(), options);
  }

  /**
   * Opens a kept log. One that a crash cut off has no end, and its readers finish after its last whole block.
   * @throws Error ENOENT when there is none, or when it is no event log.
   */
  static async read(path: string): Promise<EventLog> {
    const file = await open(path, 'r');
    try {
      return new EventLog(path, file, await scanLog(file, path), null);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The end event is there for readers. */
  get ended(): boolean {
    return this.#store.blocks.ended;
  }
  /** Number of the last event that is there for readers. */
  get lastSeq(): number {
    return this.#store.blocks.lastSeq;
  }
  /** Output was discarded at the limit. */
  get truncated(): boolean {
    return (this.#writer ?? this.scanned).losses.truncated;
  }
  /** Of captured bytes; once output was discarded, that at which it was. Null: of a log that nobody writes. */
  get outputLimitBytes(): number | null {
    return this.#writer?.outputLimit ?? null;
  }
  /** From now on; a log from which output was discarded already takes no more. */
  limitOutput(bytes: number): void {
    this.#writer?.limitOutput(bytes);
  }
  /** Captured output, both streams together. */
  get outputBytes(): number {
    const { stdout, stderr } = this.#store.blocks.output;
    return this.#writer?.outputBytes ?? stdout + stderr;
  }
  /** At the limit, or because the file could not be written. After a crash: at least so many. */
  get discardedBytes(): number {
    return (this.#writer ?? this.scanned).losses.discardedBytes;
  }
  /** Entries that were too many (8 MiB in all, errors and statuses apart), or came after the end or after a failure. */
  get droppedEntries(): number {
    return (this.#writer ?? this.scanned).losses.droppedEntries;
  }
  /**
   * Why the file could not be written (a full disk, say). From then on output is discarded and entries are dropped; errors, statuses
   * and the end reach readers together, when the log ends.
   */
  get failure(): Error | null {
    return this.#writer?.failure ?? this.#failure;
  }

  /** Writes an entry. What comes after the end is dropped. `at`: ms since the execution's start; default: now. */
  append(entry: LogEntry, at = this.#now()): void {
    if (entry.type === 'end') throw new Error('The end of a log is written by end().');
    if (this.#sealed) this.#writer?.drop();
    else this.#writer?.append(entry, at);
  }

  /** Writes output; its bytes are copied. A promise: wait for it before more, or memory grows. */
  output(chunk: OutputChunk): Promise<void> | undefined {
    return this.#sealed ? undefined : this.#writer?.output(chunk);
  }

  /** Resolves when all so far is in the file and there for readers, or has failed: then `failure` says so. */
  async flush(): Promise<void> {
    await this.#writer?.flush();
  }

  /**
   * Writes what is left of unfinished lines, and the end. Resolves when all of it is on the disk; readers see it a little earlier.
   * If the file cannot be written, readers of this object get it all the same, and `failure` says why.
   */
  async end(entry: EndEntry, at = this.#now()): Promise<void> {
    if (this.#sealed) throw new Error('The log has ended.');
    this.#sealed = true;
    this.#ending = this.#writer?.end(entry, at);
    await this.#ending;
  }

  /**
   * Ends a log that a crash cut off: unfinished lines, then the entries, the last of which is the end, all at the time of the last
   * event. Resolves as `end` does.
   */
  async cutOff(entries: readonly LogEntry[]): Promise<void> {
    if (this.#writer !== null || this.ended) throw new Error('Only a log that was cut off can be ended so.');
    if (entries.at(-1)?.type !== 'end') throw new Error('The last entry of a log is its end.');
    const block = sealRecovery(this.scanned, entries);
    try {
      await writeRecovery(this.path, this.scanned.stored.end, block);
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
    this.#store.add(block);
  }

  /**
   * The events, in order, in batches; finishes after the end event, when the signal aborts, or when the log is closed. To leave
   * while waiting, abort: a generator's `return()` comes only after its next batch. Keeping a single line keeps up to 64 KiB
   * of text around it in memory.
   */
  events(options: ReadOptions = {}): AsyncGenerator<readonly ExecutionEvent[], void, undefined> {
    return readEvents(this.#store, options);
  }

  /** The output so far, decoded; of each stream its beginning, at most `limitBytes` of it. */
  text(limitBytes: number): Promise<OutputText> {
    return readText(this.#store, limitBytes);
  }

  /** Writes what is waiting and closes the file. Readers finish. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#store.closed) return;
    this.#sealed = true;
    await (this.#ending ?? this.#writer?.flush());
    if (this.#store.closed) return; // by another call meanwhile
    this.#store.close();
    await this.file.close();
  }

  #now(): number {
    return performance.now() - this.#started;
  }
}
