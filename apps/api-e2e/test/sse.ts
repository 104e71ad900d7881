import { createParser } from 'eventsource-parser';
import { sandbox } from './server.js';
import type { Body, TestServer } from './server.js';

export interface Message {
  readonly id: string;
  readonly data: Partial<Body>;
}

export interface StreamOptions {
  readonly lastEventId?: string;
  readonly signal?: AbortSignal;
  /** Leaves after so many messages. */
  readonly leaveAfter?: number;
  readonly onMessage?: (message: Message) => void;
}

export interface Stream {
  readonly status: number;
  readonly messages: Message[];
}

/** Reads server-sent events until the server ends them (or we leave). */
async function read(
  server: TestServer,
  response: Response,
  { leaveAfter = Infinity, onMessage }: StreamOptions,
): Promise<Stream> {
  const messages: Message[] = [];
  const contract = await server.contract();
  const parser = createParser({
    onEvent: ({ id, data }) => {
      if (messages.length >= leaveAfter) return;
      const message = { id: id ?? '', data: JSON.parse(data) as Partial<Body> };
      contract.checkComponent('StreamEvent', message.data);
      messages.push(message);
      onMessage?.(message);
    },
    onError: (error) => {
      throw error;
    },
  });
  if (response.status === 200) expect(response.headers.get('content-type')).toBe('text/event-stream');
  if (response.body === null) return { status: response.status, messages };
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (messages.length >= leaveAfter) break;
  }
  return { status: response.status, messages };
}

/** What an EventSource sends and gets, once. */
export async function follow(server: TestServer, sandboxId: string, options: StreamOptions = {}): Promise<Stream> {
  const { lastEventId, signal } = options;
  const response = await server.fetch(`${sandbox('/execute')}?sandbox_id=${sandboxId}`, {
    headers: { Accept: 'text/event-stream', ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }) },
    ...(signal !== undefined && { signal }),
  });
  return read(server, response, options);
}

export async function execute(
  server: TestServer,
  sandboxId: string,
  body: Record<string, unknown> = {},
  options: StreamOptions = {},
): Promise<Stream> {
  const response = await server.fetch(sandbox('/execute'), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ sandbox_id: sandboxId, ...body }),
    ...(options.signal !== undefined && { signal: options.signal }),
  });
  return read(server, response, options);
}

export function linesOf(messages: readonly Message[]): string[] {
  return messages.flatMap(({ data }) => (data.line === undefined ? [] : [data.line]));
}

export function executionOf(messages: readonly Message[]): string {
  return messages[0]?.id.split(':')[0] ?? '';
}
