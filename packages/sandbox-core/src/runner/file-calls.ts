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
const maxWaiting = 32;

/** The files of a sandbox, by a few calls at a time; the others wait for their turn. */
export function boundedFiles(host: FileCallsHost): Required<SandboxFiles> {
  const turns = new Turns(host);
  const once = async <T>(
    options: FileCallOptions | undefined,
    call: (files: SandboxFiles) => Promise<T>,
  ): Promise<T> => {
    const { files, over } = await turns.take(options?.signal);
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
    const { files, over } = await turns.take(options?.signal);
    try {
      yield* call(files);
    } finally {
      over();
    }
  };
  return {
    list: (path, options) => once(options, (files) => files.list(path, options)),
    stat: (path, options) => once(options, (files) => files.stat(path, options)),
    read: (path, options) => stream(options, (files) => files.read(path, options)),
    write: (path, data, options) => once(options, (files) => files.write(path, data, options)),
    makeDir: (path, options) => once(options, (files) => files.makeDir(path, options)),
    rename: (from, to, options) => once(options, (files) => files.rename(from, to, options)),
    remove: (path, options) => once(options, (files) => files.remove(path, options)),
    pack: (path, options) =>
      stream(options, (files) => {
        if (files.pack === undefined) throw missing('pack');
        return files.pack(path, options);
      }),
    unpack: (path, tar, options) =>
      once(options, (files) => {
        if (files.unpack === undefined) throw missing('unpack');
        return files.unpack(path, tar, options);
      }),
  };
}

/** Who may make a call now. */
class Turns {
  #running = 0;
  readonly #waiting = new Set<() => void>();

  constructor(private readonly host: FileCallsHost) {}

  async take(signal: AbortSignal | undefined): Promise<{ readonly files: SandboxFiles; readonly over: () => void }> {
    const { id, prepared, requireHere, files, onUse } = this.host;
    requireHere();
    if (this.#running < maxRunning) {
      this.#running += 1;
      if (this.#running === 1) onUse(true);
    } else if (this.#waiting.size < maxWaiting) {
      await this.#wait(signal);
    } else {
      throw new SandboxError(
        'SANDBOX007',
        `${String(maxWaiting)} calls wait for the files of sandbox ${id} already; try again later.`,
      );
    }
    const over = (): void => this.#pass();
    try {
      await whileWanted(prepared, signal);
      requireHere();
      return { files: files(), over };
    } catch (error) {
      over();
      throw error;
    }
  }

  /** For the turn of a call that ends. */
  async #wait(signal: AbortSignal | undefined): Promise<void> {
    let come = (): void => undefined;
    const turn = new Promise<void>((resolve) => (come = resolve));
    this.#waiting.add(come);
    try {
      await whileWanted(turn, signal);
    } catch (error) {
      if (!this.#waiting.delete(come)) this.#pass(); // it came at the same moment
      throw error;
    }
  }

  /** Gives a turn to the next, or back. */
  #pass(): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#running -= 1;
    if (this.#running === 0) this.host.onUse(false);
  }
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
