import { SandboxError } from '../contract/error.js';
import type { FileCallOptions, SandboxFiles } from '../contract/files.js';
import { unlessAborted } from './unless-aborted.js';

/** The sandbox of whose files calls are made. */
export interface FileCallsHost {
  readonly id: string;
  /** Settles when the preparation is over. */
  readonly prepared: Promise<unknown>;
  /** @throws SandboxError SANDBOX006 when it is going or gone */
  readonly requireHere: () => void;
  /** @throws SandboxError SANDBOX009 when its provider has no way to them */
  readonly files: () => SandboxFiles;
  /** Told when the first of several calls begins, and when the last is over. */
  readonly onUse: (used: boolean) => void;
}

/** Each call is a process in the sandbox. */
const maxRunning = 4;
/** Of those that have a body, and so last as long as whoever is at its other end likes: one place is always for the others. */
const maxBodies = 3;
/** Of each kind. */
const maxWaiting = 32;
/** A read of at most so many bytes is made whole before any of it is handed on, and so has no body. */
const shortBytes = 64 * 1024;

type Kind = 'short' | 'body';

/** The files of a sandbox, as the runner gives them. */
export interface RunnerFiles extends Required<SandboxFiles> {
  /** As in {@link SandboxFiles}; data that is given whole takes no place of a body. */
  write(
    path: string,
    data: AsyncIterable<Uint8Array> | Uint8Array,
    options?: FileCallOptions & { readonly mode?: number },
  ): Promise<void>;
}

/** The files of a sandbox, by a few calls at a time; the others wait for their turn. */
export function boundedFiles(host: FileCallsHost): RunnerFiles {
  const turns = new Turns(host);
  const once = async <T>(
    kind: Kind,
    options: FileCallOptions | undefined,
    call: (files: SandboxFiles) => Promise<T>,
  ): Promise<T> => {
    const { files, over } = await turns.take(kind, options?.signal);
    try {
      return await call(files);
    } finally {
      over();
    }
  };
  const stream = async function* (
    options: FileCallOptions | undefined,
    call: (files: SandboxFiles) => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { files, over } = await turns.take('body', options?.signal);
    try {
      yield* call(files);
    } finally {
      over();
    }
  };
  const whole = async function* (
    options: FileCallOptions | undefined,
    call: (files: SandboxFiles) => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    yield* await once('short', options, async (files) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of call(files)) chunks.push(chunk);
      return chunks;
    });
  };
  return {
    list: (path, options) => once('short', options, (files) => files.list(path, options)),
    stat: (path, options) => once('short', options, (files) => files.stat(path, options)),
    read: (path, options) => {
      const way = (options?.length ?? Infinity) <= shortBytes ? whole : stream;
      return way(options, (files) => files.read(path, options));
    },
    write: (path, data, options) =>
      data instanceof Uint8Array
        ? once('short', options, (files) => files.write(path, inOnePiece(data), options))
        : once('body', options, (files) => files.write(path, data, options)),
    makeDir: (path, options) => once('short', options, (files) => files.makeDir(path, options)),
    rename: (from, to, options) => once('short', options, (files) => files.rename(from, to, options)),
    remove: (path, options) => once('short', options, (files) => files.remove(path, options)),
    pack: (path, options) =>
      stream(options, (files) => {
        if (files.pack === undefined) throw missing('pack');
        return files.pack(path, options);
      }),
    unpack: (path, tar, options) =>
      once('body', options, (files) => {
        if (files.unpack === undefined) throw missing('unpack');
        return files.unpack(path, tar, options);
      }),
  };
}

/** Who may make a call now. */
class Turns {
  readonly #running: Record<Kind, number> = { short: 0, body: 0 };
  readonly #waiting = new Map<() => void, Kind>();

  constructor(private readonly host: FileCallsHost) {}

  async take(
    kind: Kind,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly files: SandboxFiles; readonly over: () => void }> {
    const { id, prepared, requireHere, files, onUse } = this.host;
    requireHere();
    if (this.#hasPlace(kind)) {
      this.#running[kind] += 1;
      if (this.#total === 1) onUse(true);
    } else if ([...this.#waiting.values()].filter((waiting) => waiting === kind).length < maxWaiting) {
      await this.#wait(kind, signal);
    } else {
      throw new SandboxError(
        'SANDBOX007',
        `${String(maxWaiting)} calls wait for the files of sandbox ${id} already; try again later.`,
      );
    }
    const over = (): void => this.#pass(kind);
    try {
      await whileWanted(prepared, signal);
      requireHere();
      return { files: files(), over };
    } catch (error) {
      over();
      throw error;
    }
  }

  get #total(): number {
    return this.#running.short + this.#running.body;
  }

  #hasPlace(kind: Kind): boolean {
    return this.#total < maxRunning && (kind === 'short' || this.#running.body < maxBodies);
  }

  /** For the turn of a call that ends. */
  async #wait(kind: Kind, signal: AbortSignal | undefined): Promise<void> {
    let come = (): void => undefined;
    const turn = new Promise<void>((resolve) => (come = resolve));
    this.#waiting.set(come, kind);
    try {
      await whileWanted(turn, signal);
    } catch (error) {
      if (!this.#waiting.delete(come)) this.#pass(kind); // it came at the same moment
      throw error;
    }
  }

  /** Gives a turn to the next that may have it, or back. */
  #pass(kind: Kind): void {
    this.#running[kind] -= 1;
    for (const [come, next] of this.#waiting) {
      if (!this.#hasPlace(next)) continue;
      this.#running[next] += 1;
      this.#waiting.delete(come);
      come();
      return;
    }
    if (this.#total === 0) this.host.onUse(false);
  }
}

async function* inOnePiece(data: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield await Promise.resolve(data);
}

function missing(what: string): SandboxError {
  return new SandboxError('SANDBOX009', `The provider of this sandbox can't ${what} files.`);
}

/** Waits no longer than its caller does. */
function whileWanted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return unlessAborted(
    promise,
    signal,
    (cause) => new SandboxError('SANDBOX011', 'The call was cancelled.', { cause }),
  );
}
