import { SandboxApiError } from './errors.js';
import type { Context, SignalOption } from './execution.js';
import { reading } from './http.js';
import type { SendOptions } from './http.js';
import type { Shape } from './wire/shapes.js';

export interface ReadOptions extends SignalOption {
  /** Of the first byte. @default 0 */
  readonly offset?: number;
  /** Bytes, at most: what lies behind the end is not there. @default all */
  readonly length?: number;
}

export interface ArchiveOptions extends SignalOption {
  /** @default 'tar' */
  readonly format?: 'tar' | 'zip';
}

/** Files that the server gives at a path of its own, in whole or in part, or as archives. */
export class ReadableFiles {
  /** @internal */
  protected readonly context: Context;
  readonly #base: string;
  readonly #query: SendOptions['query'];

  /** @internal */
  constructor(context: Context, base: string, query: SendOptions['query'] = {}) {
    this.context = context;
    this.#base = base;
    this.#query = query;
  }

  /** @throws SandboxApiError SANDBOX012 where there is none; RangeError for an offset or a length that is none */
  async read(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
    const stream = await this.readStream(path, options);
    return new Uint8Array(await reading(options.signal, () => new Response(stream).arrayBuffer()));
  }

  /** As UTF-8. */
  async readText(path: string, options: ReadOptions = {}): Promise<string> {
    return new TextDecoder().decode(await this.read(path, options));
  }

  /** @throws as `read` does */
  async readStream(path: string, options: ReadOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const { length, signal } = options;
    const headers = rangeOf(options);
    try {
      const response = await this.send('GET', path, { headers, signal });
      if (length !== 0) return streamOf(response);
      await response.body?.cancel();
      return emptyStream();
    } catch (error) {
      if (error instanceof SandboxApiError && error.status === 416) return emptyStream(); // it ends before
      throw error;
    }
  }

  /** All that is in a folder. */
  async downloadArchive(
    path = '',
    { format = 'tar', signal }: ArchiveOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return streamOf(await this.send('GET', path, { query: { archive: format }, signal }));
  }

  /** @internal */
  protected send(method: string, path: string, options: SendOptions): Promise<Response> {
    return this.context.http.send(method, this.#base + encodePath(path), this.#with(options));
  }

  /** @internal */
  protected async json<Answer>(method: string, path: string, shape: Shape, options: SendOptions): Promise<Answer> {
    return (await this.context.http.json(method, this.#base + encodePath(path), this.#with(options), shape)) as Answer;
  }

  #with({ query, ...options }: SendOptions): SendOptions {
    return { ...options, query: { ...this.#query, ...query } };
  }
}

/** @throws TypeError for what a URL would take for another path */
function encodePath(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    throw new TypeError(`The path ${JSON.stringify(path)} must not have "." or ".." in it.`);
  }
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
}

/** HTTP has no range of nothing: where nothing is wanted, one byte is asked for. */
function rangeOf({ offset = 0, length }: ReadOptions): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries({ offset, length: length ?? 0 })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new RangeError(`${name} must be a whole number of bytes from 0, and is ${value}.`);
    }
  }
  if (offset === 0 && length === undefined) return {};
  const last = length === undefined ? '' : offset + Math.max(length, 1) - 1;
  return { Range: `bytes=${offset}-${last}` };
}

function streamOf(response: Response): ReadableStream<Uint8Array> {
  return response.body ?? emptyStream();
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new Blob([]).stream();
}
