import { setTimeout as delay } from 'node:timers/promises';
import { formatSize, isSandboxError, SandboxError, sentenceOf } from '@ergon/sandbox-core';
import { AtOnce } from './at-once.js';
import { hasMoreValues } from './json-values.js';

/** Between the tries of a GET, in ms. */
const backoffMs = [100, 400];
/** Answers of what stands before a registry that is down or overloaded: a GET tries again. */
const passing = new Set([502, 503, 504]);
const ofInput = new Set([400, 409, 413, 422]);
const maxDetailLength = 300;
/** So many answers may be held in memory. */
const maxAtOnce = 8;

export interface HttpClientOptions {
  /** The registry's own path included, without a slash at its end. */
  readonly url: string;
  readonly token?: string | undefined;
  readonly timeoutMs: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the registry's own. */
  readonly path: string;
  readonly body?: string;
  /** Statuses besides 200 that mean something to the caller. */
  readonly also?: readonly number[];
  readonly maxBytes: number;
  readonly maxValues: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** The text, parsed. */
  readonly json: unknown;
}

interface RawAnswer {
  readonly status: number;
  /** Only its type, e.g. `text/html`. */
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/**
 * Asks a registry over HTTP, which is as foreign as any caller: its answers are bounded in time and size, redirects are not followed, and
 * whatever is wrong becomes a sentence without a secret.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #calls = new Set<AbortController>();
  readonly #requests = new AtOnce(maxAtOnce);
  /** When it last gave no answer, until it gives one to the same: what can be read may still take nothing. */
  readonly #failedAt = { reading: -Infinity, writing: -Infinity };

  constructor(options: HttpClientOptions) {
    this.#options = options;
  }

  /** It gave no answer within the last `ms`. */
  wasDownWithin(ms: number): boolean {
    return performance.now() - Math.max(this.#failedAt.reading, this.#failedAt.writing) < ms;
  }

  /** Work of one or more requests, which all together have the time limit of one call. */
  async call<Value>(work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    const call = new AbortController();
    this.#calls.add(call);
    const { timeoutMs } = this.#options;
    const timer = setTimeout(() => {
      this.#failedAt.reading = performance.now(); // of a request under way, request() says which
      call.abort(this.unusable(`did not answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    try {
      return await work(call.signal);
    } finally {
      clearTimeout(timer);
      this.#calls.delete(call);
    }
  }

  /** Ends the calls that are under way. */
  close(): void {
    for (const call of this.#calls) call.abort(this.unusable('is not asked any more: the server is shutting down'));
  }

  /** @throws SandboxError SANDBOX001 (no answer, or none that can be used), SANDBOX008 (it refuses the input) */
  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const kind = request.method === 'GET' ? 'reading' : 'writing';
    const waits = kind === 'reading' ? backoffMs : [];
    for (let tries = 0; ; tries += 1) {
      const waitMs = waits[tries];
      try {
        const answer = await this.#requests.run(() => this.#attempt(request, signal), signal);
        const isDown = passing.has(answer.status);
        if (!isDown || waitMs === undefined) {
          this.#failedAt[kind] = isDown ? performance.now() : -Infinity;
          return this.#read(request, answer);
        }
      } catch (error) {
        const isSaid = isSandboxError(error);
        if (signal.aborted || (!isSaid && waitMs === undefined)) this.#failedAt[kind] = performance.now();
        if (isSaid) throw error;
        if (waitMs === undefined) throw this.unusable(`does not answer: ${reasonOf(error)}`, error);
      }
      await delay(waitMs * (0.5 + Math.random()), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** The error that says what is wrong with the registry. */
  unusable(what: string, cause?: unknown): SandboxError {
    return new SandboxError('SANDBOX001', `The registry at ${this.#options.url} ${what}.`, { cause });
  }

  async #attempt({ method, path, body, maxBytes }: HttpRequest, signal: AbortSignal): Promise<RawAnswer> {
    const { url, token } = this.#options;
    try {
      const response = await fetch(url + path, {
        method,
        headers: {
          Accept: 'application/json',
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body }),
        redirect: 'manual',
        signal,
      });
      const contentType = /^[\w.+-]+\/[\w.+-]+/.exec(response.headers.get('content-type') ?? '')?.[0] ?? 'no type';
      const chunks: Uint8Array[] = [];
      let length = 0;
      for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        chunks.push(chunk);
        length += chunk.length;
        // Leaving the loop closes the connection.
        if (length > maxBytes) throw this.unusable(`answered with more than ${formatSize(maxBytes)}; ask for less`);
      }
      return { status: response.status, contentType, bytes: Buffer.concat(chunks) };
    } catch (error) {
      signal.throwIfAborted(); // its reason says more
      throw error;
    }
  }

  #read({ also = [], maxValues }: HttpRequest, { status, contentType, bytes }: RawAnswer): HttpAnswer {
    if (status === 200 || also.includes(status)) {
      if (hasMoreValues(bytes, maxValues)) throw this.unusable(`answered with more than ${maxValues} values`);
      return { status, ...this.#parse(bytes, `answered ${status} with what is no JSON (${contentType})`) };
    }
    if (status >= 300 && status < 400) {
      throw this.unusable(`redirects (${status}), which is not followed: give the address at which it is`);
    }
    if (status === 401 || status === 403) throw this.unusable(`demands a token that it accepts (${status})`);
    if (status === 404) throw this.unusable('is no registry: there is nothing at this address (404)');
    if (status < 400 || status >= 500) throw this.unusable(`failed (${status})`);
    const refusal = `refuses this (${status})${hasMoreValues(bytes, maxValues) ? '' : this.#detailOf(bytes)}`;
    if (!ofInput.has(status)) throw this.unusable(refusal);
    throw new SandboxError('SANDBOX008', `The registry at ${this.#options.url} ${refusal}.`);
  }

  #parse(bytes: Uint8Array, otherwise: string): { text: string; json: unknown } {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
      return { text, json: JSON.parse(text) };
    } catch (error) {
      throw this.unusable(otherwise, error);
    }
  }

  /** What a refusal says, on one line, never with our token. */
  #detailOf(bytes: Uint8Array): string {
    let json: unknown;
    try {
      json = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return ''; // a page for people
    }
    const detail = typeof json === 'object' && json !== null && 'detail' in json ? json.detail : undefined;
    const text = typeof detail === 'string' ? detail : '';
    const { token } = this.#options;
    const safe = (token === undefined ? text : text.replaceAll(token, '…')).replace(/[\p{Cc}\p{Cs}]+/gu, ' ').trim();
    return safe === '' ? '' : `: ${safe.slice(0, maxDetailLength).replace(/\.$/, '')}`;
  }
}

/** Of a failed connection; fetch's own message says nothing. */
function reasonOf(error: unknown): string {
  const cause: unknown = typeof error === 'object' && error !== null && 'cause' in error ? error.cause : error;
  const text = sentenceOf(cause);
  if (text !== '') return text;
  // Several addresses were tried, and each has its own message.
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'no connection';
}
