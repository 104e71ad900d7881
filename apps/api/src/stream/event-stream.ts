import type { Execution, ExecutionEvent } from '@ergon/sandbox-core';
import type { Response } from 'express';
import { leftSignal } from '../http/left.js';
import { SseEncoder } from '../wire/sse.js';
import { BodyStream } from './body-stream.js';
import { takeTurn } from './turns.js';

const heartbeat = { text: ':\n\n', everyMs: 15_000 };

/** A part of an execution's events to send. */
export interface Part {
  readonly execution: Execution;
  /** Only what comes after this number. */
  readonly after: number;
}

export interface EventStreamOptions {
  /** Bytes instead of lines. */
  readonly raw?: boolean;
  /** Something will certainly follow, so the answer may begin before it is there. */
  readonly certain: boolean;
}

/** Answers with server-sent events of these parts, one after the other; with 204 when there are none at all. */
export async function sendEvents(
  response: Response,
  parts: readonly Part[],
  options: EventStreamOptions,
): Promise<void> {
  const left = leftSignal(response);
  if (left.aborted) return;
  const begin = (): BodyStream => new BodyStream(response, { contentType: 'text/event-stream', heartbeat });
  let stream = options.certain ? begin() : null;
  for (const { execution, after } of parts) {
    const encoder = new SseEncoder(execution.id);
    const events: AsyncIterable<readonly ExecutionEvent[]> = execution.events({
      after,
      signal: left,
      raw: options.raw ?? false,
    });
    for await (const batch of events) {
      await takeTurn();
      const text = encoder.encode(batch);
      if (text === '') continue;
      stream ??= begin();
      await stream.write(text);
    }
  }
  if (left.aborted) return;
  if (stream === null) response.status(204).end();
  else stream.end();
}
