import { SandboxConnectionError } from '../errors.js';
import { reading } from '../http.js';
import type { Http } from '../http.js';
import { Attempts, Watch } from '../retry.js';
import type { Reconnect } from '../retry.js';
import { ArrayParser } from '../wire/array-parser.js';
import { eventOf, numberOf, parseEvent } from './event.js';
import type { SandboxEvent, WireEvent } from './event.js';

export interface FollowOptions {
  /** The id of the last event that was seen. @default from the start */
  readonly after?: string;
  readonly signal?: AbortSignal;
}

/** An execution's events in their order, each once, to its end, over as many connections as it takes. */
export async function* follow(
  http: Http,
  reconnect: Reconnect,
  executionId: string,
  options: FollowOptions = {},
): AsyncGenerator<SandboxEvent, void, undefined> {
  for await (const event of followLog(http, reconnect, executionId, options)) {
    const told = eventOf(event);
    if (told !== null) yield told;
  }
}

/** The same as they are on the wire. */
export async function* followLog(
  http: Http,
  reconnect: Reconnect,
  executionId: string,
  { after, signal, raw }: FollowOptions & { readonly raw?: boolean } = {},
): AsyncGenerator<WireEvent, void, undefined> {
  let last = after === undefined ? 0 : numberOf(after, executionId);
  if (last === null) throw new RangeError(`"${after}" is not the id of an event of execution ${executionId}.`);
  const attempts = new Attempts(reconnect, signal);
  for (;;) {
    try {
      for await (const line of readLog(http, reconnect, executionId, { after: last, raw }, signal)) {
        const { event, number } = parseEvent(line, executionId);
        if (number <= last) continue; // sent twice, by whatever stands between
        last = number;
        attempts.succeeded();
        yield event;
      }
      return;
    } catch (error) {
      await attempts.pauseAfter(error);
    }
  }
}

/** What one connection gives of a log; ends where the log does. @throws SandboxConnectionError where it breaks before */
async function* readLog(
  http: Http,
  { silenceMs }: Reconnect,
  executionId: string,
  query: { readonly after: number; readonly raw: boolean | undefined },
  signal: AbortSignal | undefined,
): AsyncGenerator<unknown, void, undefined> {
  const watch = new Watch(silenceMs, signal);
  const parser = new ArrayParser();
  const decoder = new TextDecoder();
  try {
    const path = `/api/ergon/sandbox/executions/${encodeURIComponent(executionId)}/events`;
    const response = await watch.awaiting(http.send('GET', path, { query, signal: watch.signal }));
    const reader = bodyOf(response).getReader();
    while (!parser.closed) {
      const { done, value } = await watch.awaiting(reading(watch.signal, () => reader.read()));
      if (done) throw new SandboxConnectionError('The connection ended before the end of the events.');
      yield* parser.feed(decoder.decode(value, { stream: true }));
    }
  } finally {
    watch.end();
  }
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (response.body === null) throw new SandboxConnectionError('The answer has no body.');
  return response.body;
}
