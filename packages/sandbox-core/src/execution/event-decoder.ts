import type { DataEvent, ExecutionEvent, LineEvent, LogEntry } from '../contract/events.js';
import { recordKinds, recordsOf } from './block.js';
import type { LogRecord } from './block.js';
import { Carry } from './carry.js';
import { newline } from './newlines.js';

const batchEvents = 1024;
const carriageReturn = 0x0d;

type Numbered<Event> = Event & { readonly seq: number; readonly at: number };

/** Makes one reader's events of the blocks, which it gets in order. */
export class EventDecoder {
  readonly #carries = { stdout: new Carry(), stderr: new Carry() };
  #batch: ExecutionEvent[] = [];
  #ended = false;

  constructor(
    /** Numbers up to this one are known to the reader. */
    private readonly after: number,
    private readonly raw: boolean,
  ) {}

  /** The end event was among them. */
  get ended(): boolean {
    return this.#ended;
  }

  *decode(block: Buffer): Generator<readonly ExecutionEvent[], void, undefined> {
    for (const record of recordsOf(block)) {
      if (record.kind === recordKinds.output && !this.raw) yield* this.#lines(block, record);
      else this.#other(block, record);
      if (this.#batch.length >= batchEvents) yield this.#takeBatch();
    }
    if (this.#batch.length > 0) yield this.#takeBatch();
  }

  #other(block: Buffer, record: LogRecord): void {
    const { stream, seq } = record;
    const isNew = seq > this.after;
    const at = record.atUs / 1000;
    switch (record.kind) {
      case recordKinds.output:
        if (isNew) {
          const data = new Uint8Array(block.subarray(record.from, record.to));
          this.#batch.push({ seq, at, type: 'data', stream, data } satisfies Numbered<DataEvent>);
        }
        break;
      case recordKinds.rest: {
        const carry = this.#carries[stream];
        if (carry.length === 0) break;
        const line = carry.take();
        if (isNew) this.#batch.push({ seq, at, type: 'line', stream, line } satisfies Numbered<LineEvent>);
        break;
      }
      case recordKinds.entry:
      case recordKinds.end: {
        this.#ended ||= record.kind === recordKinds.end;
        if (!isNew) break;
        const entry = JSON.parse(block.toString('utf8', record.from, record.to)) as LogEntry;
        this.#batch.push({ ...entry, seq, at });
        break;
      }
      case recordKinds.losses:
        break;
    }
  }

  *#lines(block: Buffer, record: LogRecord): Generator<readonly ExecutionEvent[], void, undefined> {
    const { stream, from, to, held, numbers } = record;
    const at = record.atUs / 1000;
    const carry = this.#carries[stream];
    const bytes = block.subarray(from, to);
    if (numbers === 1) {
      carry.push(bytes);
      return;
    }
    let seq = record.seq + 1;
    if (held > 0) {
      carry.push(bytes);
      const line = carry.take(held);
      if (seq > this.after) {
        this.#batch.push({ seq, at, type: 'line', stream, line, partial: true } satisfies Numbered<LineEvent>);
      }
      return;
    }
    let start = 0;
    if (carry.length > 0) {
      start = bytes.indexOf(newline) + 1;
      carry.push(bytes.subarray(0, start - 1));
      const line = withoutReturn(carry.take());
      if (seq > this.after) this.#batch.push({ seq, at, type: 'line', stream, line } satisfies Numbered<LineEvent>);
      seq++;
    }
    const end = bytes.lastIndexOf(newline) + 1;
    if (record.seq + numbers - 1 > this.after) {
      // Decoded in one go and cut at its newlines, which is the same as line by line: no byte of a longer character is a newline.
      const text = bytes.toString('utf8', start, end);
      for (let begin = 0; begin < text.length; seq++) {
        const stop = text.indexOf('\n', begin);
        const line = text.slice(begin, text.charCodeAt(stop - 1) === carriageReturn && stop > begin ? stop - 1 : stop);
        begin = stop + 1;
        if (seq <= this.after) continue;
        this.#batch.push({ seq, at, type: 'line', stream, line } satisfies Numbered<LineEvent>);
        if (this.#batch.length >= batchEvents) yield this.#takeBatch();
      }
    }
    if (end < bytes.length) carry.push(bytes.subarray(end));
  }

  #takeBatch(): readonly ExecutionEvent[] {
    const batch = this.#batch;
    this.#batch = [];
    return batch;
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
