import type { Context, SignalOption } from './execution.js';
import { ReadableFiles } from './readable-files.js';
import type { ReadOptions } from './readable-files.js';
import { resumedStream } from './resumed-stream.js';
import { persistWatched } from './retry.js';
import type { components } from './wire/openapi.js';
import { fileAnswers } from './wire/shapes.js';

/** A file that is kept with a result. */
export interface OutputFile {
  /** Below /output, e.g. `plots/a.svg`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Permission bits, octal, e.g. `644`. */
  readonly mode: string;
  /** ISO 8601, UTC. */
  readonly modified: string;
}

/**
 * What /output held when an execution ended: regular files, kept with its result, also after the sandbox was removed. Paths are below /output.
 * What is kept does not change: lists and files outlive connections that break.
 */
export class Output extends ReadableFiles {
  /** @internal */
  constructor(context: Context, sandboxId: string, executionId: string | undefined) {
    const query = { execution_id: executionId };
    super(context, `/api/ergon/sandbox/results/${encodeURIComponent(sandboxId)}/files`, query);
  }

  /** All of the files, those of folders too. @throws SandboxApiError SANDBOX012 where nothing has run */
  async list({ signal }: SignalOption = {}): Promise<OutputFile[]> {
    const { files } = await persistWatched(this.context.reconnect, signal, (signal) =>
      this.json<components['schemas']['OutputListing']>('GET', '', fileAnswers.output, { signal }),
    );
    return files.map(({ path, size, mode, modified }) => ({ path, size, mode, modified }));
  }

  /** @throws as `read` does */
  override readStream(
    path: string,
    { offset = 0, length, signal }: ReadOptions = {},
  ): Promise<ReadableStream<Uint8Array>> {
    return resumedStream(this.context.reconnect, signal, (done, signal) =>
      super.readStream(path, { offset: offset + done, ...(length !== undefined && { length: length - done }), signal }),
    );
  }
}
