import { SandboxApiError } from './errors.js';
import type { Context, SignalOption } from './execution.js';
import { reading } from './http.js';
import type { SendOptions } from './http.js';

export interface FileEntry {
  readonly name: string;
  readonly type: 'file' | 'folder' | 'link' | 'other';
  /** Bytes. */
  readonly size: number | null;
  /** Permission bits, octal, e.g. `644`. */
  readonly mode: string;
  /** ISO 8601, UTC. */
  readonly modified: string;
}

export interface Listing {
  readonly path: string;
  readonly entries: readonly FileEntry[];
  /** There are more than were asked for. */
  readonly truncated: boolean;
}

export interface ReadOptions extends SignalOption {
  /** Of the first byte. @default 0 */
  readonly offset?: number;
  /** Bytes, at most. @default all */
  readonly length?: number;
}

export interface ArchiveOptions extends SignalOption {
  /** @default 'tar' */
  readonly format?: 'tar' | 'zip';
}

export type FileContent = string | Uint8Array | Blob | ReadableStream<Uint8Array>;

/** Files of one sandbox. Paths are below `workspace/` or `output/`; one that begins with neither is below the workspace. */
export class Files {
  readonly #context: Context;
  readonly #base: string;

  /** @internal */
  constructor(context: Context, sandboxId: string) {
    this.#context = context;
    this.#base = `/api/ergon/sandbox/${encodeURIComponent(sandboxId)}/files`;
  }

  async list(path = '', { limit, signal }: SignalOption & { readonly limit?: number } = {}): Promise<Listing> {
    return this.#json('GET', path, { query: { limit }, signal });
  }

  /** @throws SandboxApiError SANDBOX012 where there is none */
  async stat(path: string, { signal }: SignalOption = {}): Promise<FileEntry> {
    return this.#json('GET', path, { query: { stat: true }, signal });
  }

  async exists(path: string, options: SignalOption = {}): Promise<boolean> {
    try {
      await this.stat(path, options);
      return true;
    } catch (error) {
      if (error instanceof SandboxApiError && error.code === 'SANDBOX012') return false;
      throw error;
    }
  }

  async read(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
    const response = await this.#send('GET', path, ranged(options));
    return new Uint8Array(await reading(options.signal, () => response.arrayBuffer()));
  }

  /** As UTF-8. */
  async readText(path: string, options: ReadOptions = {}): Promise<string> {
    return new TextDecoder().decode(await this.read(path, options));
  }

  async readStream(path: string, options: ReadOptions = {}): Promise<ReadableStream<Uint8Array>> {
    return streamOf(await this.#send('GET', path, ranged(options)));
  }

  /** Writes a file, in place of one that is there; makes the folders that it needs. */
  async write(path: string, content: FileContent, { signal }: SignalOption = {}): Promise<{ readonly size: number }> {
    return this.#json('PUT', path, { body: bodyOf(content), headers: octets, signal });
  }

  async makeDir(path: string, { signal }: SignalOption = {}): Promise<void> {
    await this.#json('PUT', path, { query: { folder: true }, signal });
  }

  async rename(from: string, to: string, { signal }: SignalOption = {}): Promise<void> {
    await this.#json('POST', from, { query: { rename_to: to }, signal });
  }

  /** A file, or a folder with all that is in it. */
  async remove(path: string, { signal }: SignalOption = {}): Promise<void> {
    await this.#json('DELETE', path, { signal });
  }

  /** All that is in a folder. */
  async downloadArchive(
    path = '',
    { format = 'tar', signal }: ArchiveOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return streamOf(await this.#send('GET', path, { query: { archive: format }, signal }));
  }

  /** Unpacks into a folder. */
  async uploadArchive(
    path: string,
    archive: FileContent,
    { format = 'tar', signal }: ArchiveOptions = {},
  ): Promise<{ readonly files: number }> {
    return this.#json('PUT', path, { query: { archive: format }, body: bodyOf(archive), headers: octets, signal });
  }

  #send(method: string, path: string, options: SendOptions): Promise<Response> {
    return this.#context.http.send(method, this.#base + encodePath(path), options);
  }

  async #json<Answer>(method: string, path: string, options: SendOptions): Promise<Answer> {
    const response = await this.#send(method, path, options);
    return (await reading(options.signal, () => response.json())) as Answer;
  }
}

const octets = { 'Content-Type': 'application/octet-stream' };

/** @throws TypeError for what a URL would take for another path */
function encodePath(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '');
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    throw new TypeError(`The path ${JSON.stringify(path)} must not have "." or ".." in it.`);
  }
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
}

function ranged({ offset = 0, length, signal }: ReadOptions): SendOptions {
  if (offset === 0 && length === undefined) return { signal };
  const last = length === undefined ? '' : String(offset + length - 1);
  return { headers: { Range: `bytes=${offset}-${last}` }, signal };
}

function bodyOf(content: FileContent): SendOptions['body'] {
  return content instanceof Uint8Array ? new Uint8Array(content) : content;
}

function streamOf(response: Response): ReadableStream<Uint8Array> {
  return response.body ?? new Blob([]).stream();
}
