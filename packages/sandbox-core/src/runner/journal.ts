import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { SandboxError } from '../contract/error.js';
import type { SandboxResult } from '../contract/result.js';

/** A result as it is kept: the program's output is in the execution's log. */
export type StoredResult = Omit<SandboxResult, 'stdout' | 'stderr'> & { readonly executionId: string };

/** What became of a result that was to be kept. */
export interface KeptResult {
  /** As readers get it. */
  readonly result: StoredResult;
  /** Journal and registry have it. */
  readonly recorded: boolean;
}

/** One line of the journal. Times are ISO 8601, UTC. */
export type JournalEntry =
  | {
      readonly kind: 'sandbox';
      readonly sandboxId: string;
      readonly solutionId: string;
      readonly ownerId: string;
      readonly provider: string;
      readonly at: string;
    }
  /** A sandbox is gone, or its preparation failed (then `failure` says why, and a second line follows when it is gone). */
  | { readonly kind: 'failed'; readonly sandboxId: string; readonly failure: string }
  | { readonly kind: 'gone'; readonly sandboxId: string; readonly at: string }
  | { readonly kind: 'start'; readonly executionId: string; readonly sandboxId: string; readonly at: string }
  | { readonly kind: 'end'; readonly executionId: string; readonly at: string; readonly result: StoredResult }
  /** The registry has this execution's result, and its log has its end. */
  | { readonly kind: 'settled'; readonly executionId: string };

/** Where an entry stands in the file. */
export interface JournalPlace {
  readonly offset: number;
  readonly length: number;
}

/**
 * The runner's memory on disk: a file of JSON lines, only ever appended to. A line that was being written when the machine or the server
 * died is dropped at the next start; all before it hold.
 */
export class Journal {
  readonly #file: FileHandle;
  #size: number;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  /** Opens the journal and hands every entry of it to `visit`, oldest first. */
  static async open(path: string, visit: (entry: JournalEntry, place: JournalPlace) => void): Promise<Journal> {
    const file = await open(path, 'a+', 0o600);
    try {
      const size = await replay(file, visit);
      await file.truncate(size);
      return new Journal(file, size);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Appends an entry; it survives the death of this process when this resolves, and with `durable` that of the machine.
   * @throws SandboxError SANDBOX004 when the disk is full.
   */
  append(entry: JournalEntry, options: { durable?: boolean } = {}): Promise<JournalPlace> {
    const bytes = Buffer.from(JSON.stringify(entry) + '\n');
    const written = this.#writing.then(async () => {
      const place = { offset: this.#size, length: bytes.length };
      try {
        await this.#file.appendFile(bytes);
        if (options.durable === true) await this.#file.datasync();
      } catch (error) {
        await this.#file.truncate(this.#size);
        throw new SandboxError('SANDBOX004', 'The journal could not be written: is the disk of the server full?', {
          cause: error,
        });
      }
      this.#size += bytes.length;
      return place;
    });
    this.#writing = written.catch(() => undefined); // its own caller is told
    return written;
  }

  async read({ offset, length }: JournalPlace): Promise<JournalEntry> {
    const { buffer } = await this.#file.read(Buffer.alloc(length), 0, length, offset);
    return JSON.parse(buffer.toString('utf8')) as JournalEntry;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }
}

/** @returns the length of what is whole. */
async function replay(file: FileHandle, visit: (entry: JournalEntry, place: JournalPlace) => void): Promise<number> {
  let offset = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of file.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    let begin = 0;
    for (let newline = rest.indexOf(10); newline !== -1; newline = rest.indexOf(10, begin)) {
      const length = newline + 1 - begin;
      visit(parseEntry(rest.toString('utf8', begin, newline), offset), { offset, length });
      begin += length;
      offset += length;
    }
    rest = rest.subarray(begin);
  }
  return offset; // what follows is a line without its end
}

function parseEntry(line: string, offset: number): JournalEntry {
  let cause: unknown;
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry === 'object' && entry !== null && 'kind' in entry) return entry as JournalEntry; // written by this class only
  } catch (error) {
    cause = error;
  }
  throw new SandboxError(
    'SANDBOX001',
    `The journal history.jsonl in the data folder is damaged at byte ${String(offset)}. Mend that line or move the file away.`,
    { cause },
  );
}
