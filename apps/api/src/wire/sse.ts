import { eventId } from '@ergon/sandbox-core';
import type { ExecutionEvent } from '@ergon/sandbox-core';

type ErrorEvent = Extract<ExecutionEvent, { type: 'error' }>;

/**
 * An execution's events as server-sent ones: output lines (or data), errors, and the end. What else the log holds is not for this
 * stream, so numbers have gaps. A sentence of the core waits for the event after it, because only the end says whether it tells of
 * a program that ran (a line) or of one that could not (an `error`).
 */
export class SseEncoder {
  readonly #executionId: string;
  #held: ErrorEvent[] = [];

  constructor(executionId: string) {
    this.#executionId = executionId;
  }

  /** Empty: nothing of this batch is sent, or not yet. */
  encode(events: readonly ExecutionEvent[]): string {
    let text = '';
    for (const event of events) {
      if (event.type === 'error') {
        this.#held.push(event);
        continue;
      }
      if (this.#held.length > 0) text += this.#release(event.type === 'end' && event.cause === 'not-started');
      // By hand: most of what is sent are lines, and an object for each costs twice the time.
      if (event.type === 'line') {
        const { stream, at } = event;
        const partial = event.partial === true ? ',"partial":true' : '';
        const line = JSON.stringify(`[${stream}] ${event.line}`);
        text += this.#event(event.seq, `{"line":${line},"stream":"${stream}","at":${Math.round(at)}${partial}}`);
      } else if (event.type === 'data') {
        const data = Buffer.from(event.data.buffer, event.data.byteOffset, event.data.length).toString('base64');
        text += this.#event(event.seq, `{"stream":"${event.stream}","data":"${data}","at":${Math.round(event.at)}}`);
      } else if (event.type === 'end') {
        text += this.#event(event.seq, JSON.stringify({ done: true, status: event.status, exit_code: event.exitCode }));
      }
    }
    return text;
  }

  #release(asFailure: boolean): string {
    const held = this.#held;
    this.#held = [];
    return held
      .map(({ seq, message }) =>
        this.#event(seq, JSON.stringify(asFailure ? { error: message } : { line: `[error] ${message}` })),
      )
      .join('');
  }

  #event(seq: number, data: string): string {
    return `id: ${eventId(this.#executionId, seq)}\ndata: ${data}\n\n`;
  }
}
