import { sentenceOf } from '@ergon/sandbox-core';
import { Failure } from '../failure.js';
import { sentenceForOptions } from '../limits.js';

type Query = Readonly<Record<string, string | number | undefined>>;

/** Calls a server. Each of its failures is a Failure with the server's own sentence. */
export class Server {
  readonly #token = process.env.ERGON_SANDBOX_TOKEN ?? '';

  /** @throws Failure for what is no address of a server */
  constructor(private readonly url: string) {
    if (!URL.canParse(url) || !/^https?:/.test(url)) {
      throw new Failure(`"${url}" is no address of a server.`, 'Give one such as http://127.0.0.1:8102 by --url.');
    }
  }

  /** @returns the answer's JSON, as the server's document has it */
  async json<Answer>(method: string, path: string, options: { body?: unknown; query?: Query } = {}): Promise<Answer> {
    const response = await this.send(method, path, options);
    return await this.#reading(async () => (await response.json()) as Answer);
  }

  /** @returns an answer that tells of success, its body unread */
  async send(
    method: string,
    path: string,
    { body, query = {}, signal }: { body?: unknown; query?: Query; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const url = new URL(`${this.url.replace(/\/+$/, '')}/api/ergon${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const response = await this.#reading(() =>
      fetch(url, {
        method,
        headers: {
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...(this.#token !== '' && { Authorization: `Bearer ${this.#token}` }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal !== undefined && { signal }),
      }),
    );
    if (response.ok) return response;
    throw refusal(response.status, await response.text());
  }

  /** The lines of a body, as they come. */
  async *lines(response: Response): AsyncGenerator<string, void, undefined> {
    if (response.body === null) return;
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const { done, value } = await this.#reading(() => reader.read());
      const parts = (rest + decoder.decode(value, { stream: !done })).split('\n');
      rest = parts.pop() ?? '';
      yield* parts;
      if (done) break;
    }
    if (rest !== '') yield rest;
  }

  async #reading<Value>(read: () => Promise<Value>): Promise<Value> {
    try {
      return await read();
    } catch (error) {
      const cause = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
      throw new Failure(
        `The server at ${this.url} could not be reached, or the connection broke: ${sentenceOf(cause)}.`,
        'Start one, or say by --url or ERGON_SANDBOX_URL where it is.',
      );
    }
  }
}

/** Of a problem document (RFC 9457), or of what a proxy made. */
function refusal(status: number, text: string): Failure {
  const { detail, code, field } = problemOf(text);
  if (status === 401)
    return new Failure(detail ?? 'The server asks for a token.', 'Set ERGON_SANDBOX_TOKEN to the token of the server.');
  const sentence = sentenceForOptions(detail ?? `The server answered with ${status}.`, field);
  return new Failure(`${sentence}${code === undefined ? '' : ` (${code})`}`);
}

function problemOf(text: string): { detail?: string; code?: string; field?: string } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {}; // no document of ours: its status tells
  }
}
