import { apiErrorOf, SandboxConnectionError, unexpected } from './errors.js';
import type { paths } from './wire/openapi.js';
import { answerOf } from './wire/shapes.js';
import type { Shape } from './wire/shapes.js';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type Operation<Path extends keyof paths, M extends Method> = NonNullable<paths[Path][M]>;
type Content<Answer> = Answer extends { content: { 'application/json': infer Json } } ? Json : never;
export type Answer<O> = O extends { responses: { 200: infer Success } } ? Content<Success> : never;
type Body<O> = O extends { requestBody: infer Request } ? Content<Request> : undefined;
type Given<Values> = [Exclude<Values, undefined>] extends [never] ? undefined : Exclude<Values, undefined>;
type Parameters<O, In extends 'path' | 'query'> = O extends { parameters: Partial<Record<In, infer Values>> }
  ? Given<Values>
  : undefined;

/** What a call of the document takes, by its types there. */
export type CallOptions<O> = {
  readonly signal?: AbortSignal | undefined;
  readonly query?: Parameters<O, 'query'>;
} & (Body<O> extends undefined ? object : { readonly body: Body<O> }) &
  (Parameters<O, 'path'> extends undefined ? object : { readonly path: Parameters<O, 'path'> });

export interface SendOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestInit['body'];
  readonly signal?: AbortSignal | undefined;
}

export interface HttpOptions {
  readonly baseUrl: string;
  readonly token: string | undefined;
  readonly fetch: typeof globalThis.fetch;
}

/** Calls the server. Each of its failures is a SandboxApiError, each of the way there a SandboxConnectionError. */
export class Http {
  readonly token: string | undefined;
  readonly #baseUrl: string;
  readonly #fetch: typeof globalThis.fetch;

  constructor({ baseUrl, token, fetch }: HttpOptions) {
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.token = token;
    this.#fetch = fetch;
  }

  url(path: string, query: SendOptions['query'] = {}): string {
    const given = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as [string, string]],
    );
    const search = new URLSearchParams(given).toString();
    return `${this.#baseUrl}${path}${search && `?${search}`}`;
  }

  /** A call whose input and answer are JSON, as the document has them. */
  async call<Path extends keyof paths, M extends Method>(
    method: M,
    path: Path,
    options: CallOptions<Operation<Path, M>>,
  ): Promise<Answer<Operation<Path, M>>> {
    const { signal, query, body, path: parts = {} } = options as AnyCallOptions;
    const filled = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(parts[name] ?? ''));
    const json =
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
    const given = { query: query ?? {}, signal, ...json };
    return (await this.json(method.toUpperCase(), filled, given, answerOf(method, path))) as Answer<Operation<Path, M>>;
  }

  /** @returns an answer that tells of success, parsed and of that shape */
  async json(method: string, path: string, options: SendOptions, shape: Shape): Promise<unknown> {
    const response = await this.send(method, path, options);
    const value = parsed(await reading(options.signal, () => response.text()));
    if (!shape(value)) throw unexpected(`The answer to ${method} ${path}`);
    return value;
  }

  /** @returns an answer that tells of success, its body unread */
  async send(method: string, path: string, { query, headers, body, signal }: SendOptions = {}): Promise<Response> {
    const init = {
      method,
      headers: { ...headers, ...(this.token !== undefined && { Authorization: `Bearer ${this.token}` }) },
      ...(body != null && { body }),
      ...(signal !== undefined && { signal }),
      // A body that is a stream is sent while it comes.
      ...(isStream(body) && { duplex: 'half' as const }),
    };
    const response = await reading(signal, () => this.#fetch(this.url(path, query), init));
    if (response.ok) return response;
    throw apiErrorOf(response, await reading(signal, () => response.text()));
  }
}

/** Undefined: it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

interface AnyCallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly query?: SendOptions['query'];
  readonly body?: unknown;
  readonly path?: Readonly<Record<string, string>>;
}

function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'getReader' in body;
}

/** Tells apart what the caller ended and what broke. */
export async function reading<Value>(signal: AbortSignal | undefined, read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw brokenBy(error);
  }
}

/** fetch says no more than "fetch failed"; why is in the cause, and in the cause of that. */
function brokenBy(error: unknown): SandboxConnectionError {
  const { message, cause } = error as Error;
  const inner = typeof cause === 'object' && cause !== null && 'message' in cause ? `: ${String(cause.message)}` : '';
  return new SandboxConnectionError(`The server could not be reached, or the connection broke (${message}${inner})`, {
    cause: error,
  });
}
