import { eventToWire } from '@ergon/sandbox-core';
import type { Execution } from '@ergon/sandbox-core';
import type { Response } from 'express';
import { BodyStream } from './body-stream.js';
import { takeTurn } from './turns.js';

/** Between two events, or before the first, a line's end changes nothing. */
const heartbeat = { text: '\n', everyMs: 15_000 };

/** Answers with a JSON array of an execution's events, an event a line; of one that runs, until its end. */
export async function sendEventsArray(
  response: Response,
  execution: Execution,
  { after, raw }: { readonly after: number; readonly raw: boolean },
): Promise<void> {
  const stream = new BodyStream(response, { contentType: 'application/json', heartbeat });
  let separator = '[\n';
  for await (const batch of execution.events({ after, raw, signal: stream.left })) {
    if (batch.length === 0) continue;
    await takeTurn();
    await stream.write(separator + batch.map((event) => JSON.stringify(eventToWire(execution.id, event))).join(',\n'));
    separator = ',\n';
  }
  if (stream.left.aborted) return;
  await stream.write(separator === '[\n' ? '[]\n' : '\n]\n');
  stream.end();
}
