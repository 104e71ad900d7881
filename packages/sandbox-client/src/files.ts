import { SandboxApiError } from './errors.js';
import type { Context, SignalOption } from './execution.js';
import type { SendOptions } from './http.js';
import { ReadableFiles } from './readable-files.js';
import type { ArchiveOptions } from './readable-files.js';
import { fileAnswers } from './wire/shapes.js';

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

/** A stream is sent while it comes, which browsers do over HTTP/2 only. */
export type FileContent = string | Uint8Array | Blob | ReadableStream<Uint8Array>;

/** Files of one sandbox. Paths are below `workspace/` or `output/`; one that begins with neither is below the workspace. */
export class Files extends ReadableFiles {
  /** @internal */
  constructor(context: Context, sandboxId: string) {
    super(context, `/api/ergon/sandbox/${encodeURIComponent(sandboxId)}/files`);
  }

  async list(path = '', { limit, signal }: SignalOption & { readonly limit?: number } = {}): Promise<Listing> {
    return this.json('GET', path, fileAnswers.listing, { query: { limit }, signal });
  }

  /** @throws SandboxApiError SANDBOX012 where there is none */
  async stat(path: string, { signal }: SignalOption = {}): Promise<FileEntry> {
    return this.json('GET', path, fileAnswers.entry, { query: { stat: true }, signal });
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

  /** Writes a file, in place of one that is there; makes the folders that it needs. */
  async write(path: string, content: FileContent, { signal }: SignalOption = {}): Promise<{ readonly size: number }> {
    return this.json('PUT', path, fileAnswers.written, { body: bodyOf(content), headers: octets, signal });
  }

  async makeDir(path: string, { signal }: SignalOption = {}): Promise<void> {
    await this.json('PUT', path, fileAnswers.done, { query: { folder: true }, signal });
  }

  async rename(from: string, to: string, { signal }: SignalOption = {}): Promise<void> {
    await this.json('POST', from, fileAnswers.done, { query: { rename_to: to }, signal });
  }

  /** A file, or a folder with all that is in it. */
  async remove(path: string, { signal }: SignalOption = {}): Promise<void> {
    await this.json('DELETE', path, fileAnswers.done, { signal });
  }

  /** Unpacks into a folder. */
  async uploadArchive(
    path: string,
    archive: FileContent,
    { format = 'tar', signal }: ArchiveOptions = {},
  ): Promise<{ readonly files: number }> {
    return this.json('PUT', path, fileAnswers.unpacked, {
      query: { archive: format },
      body: bodyOf(archive),
      headers: octets,
      signal,
    });
  }
}

const octets = { 'Content-Type': 'application/octet-stream' };

function bodyOf(content: FileContent): SendOptions['body'] {
  return content instanceof Uint8Array ? new Uint8Array(content) : content;
}
