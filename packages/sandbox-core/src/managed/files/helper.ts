import { isUint8Array } from 'node:util/types';
import { SandboxError, isSandboxError } from '../../contract/error.js';
import type { CommandSpec, SandboxProcess } from '../process.js';

/** One sandbox, as calls to its files need it. */
export interface FilesHost {
  /** @throws SandboxError SANDBOX006, SANDBOX007 when its files can't be reached now */
  enter(): {
    /** Starts a command beside its program. The sandbox's removal waits for its end. */
    readonly start: (run: CommandSpec) => Promise<SandboxProcess>;
    /** Aborted when the sandbox is being removed. */
    readonly removed: AbortSignal;
  };
  /** In which a script has to open its file, or to do all else, in ms. */
  readonly deadlineMs: number;
}

export interface HelperPlan {
  readonly script: string;
  /** After the nonce. */
  readonly args: readonly string[];
  readonly nonce: string;
  readonly signal?: AbortSignal | undefined;
  /** Becomes stdin. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Follows the input where that came to its end. @default the nonce */
  readonly seal?: string;
  /** Between two pieces of its data there is never more than the deadline, but for the time that its reader takes. */
  readonly steady?: boolean;
  /** Told of all words of a script that has done all. */
  readonly heard?: (words: string) => void;
  /** What a script's word means, for the path that it is about. */
  readonly explain: (word: string, side: string) => SandboxError;
}

/** A script has little to say. */
const MAX_WORDS_LENGTH = 16_384;
/** In which a script that lost its input removes what it wrote. */
const UNDO_MS = 5000;

/** Runs a script in a sandbox and yields its stdout; finishes when it has done all, and throws otherwise. No process of it is left. */
export async function* runHelper(host: FilesHost, plan: HelperPlan): AsyncGenerator<Uint8Array, void, undefined> {
  const { signal } = plan;
  const { start, removed } = host.enter();
  const stop = new AbortController(); // its reason is what the caller gets: of the first cause
  const forget = onAbort(AbortSignal.any(signal ? [removed, signal] : [removed]), () => {
    stop.abort(
      removed.aborted
        ? new SandboxError('SANDBOX006', 'The sandbox was removed.')
        : new SandboxError('SANDBOX011', 'The call was cancelled.', { cause: signal?.reason }),
    );
  });
  try {
    stop.signal.throwIfAborted();
    const process = await start({
      command: ['/bin/sh', '-c', plan.script, 'ergon-files', plan.nonce, ...plan.args],
      environment: { LC_ALL: 'C' },
      stdin: plan.input !== undefined,
      signal: stop.signal,
      report: () => undefined,
      exceeded: ({ limit }) => {
        // Whoever is over the limit of the disk may still look, and make room.
        if (limit === 'disk' && plan.input === undefined) return;
        stop.abort(new SandboxError('SANDBOX004', `The limit "${limit}" of the sandbox is reached.`));
      },
    }).catch((error: unknown) => {
      throw stop.signal.aborted ? stop.signal.reason : withoutHostPaths(error);
    });
    yield* follow(process, plan, stop, removed, host.deadlineMs);
  } finally {
    forget();
  }
}

async function* follow(
  process: SandboxProcess,
  { nonce, input, seal = nonce, steady = false, heard, explain }: HelperPlan,
  stop: AbortController,
  removed: AbortSignal,
  deadlineMs: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const output = process.output[Symbol.asyncIterator]();
  const kill = (): void => {
    process.kill('SIGKILL').catch(() => undefined); // what comes of it, its end tells
  };
  let undoing: NodeJS.Timeout | undefined;
  const killSoon = (): void => {
    undoing ??= setTimeout(kill, UNDO_MS); // without the rest of its input it ends by itself
  };
  const forgets = [
    onAbort(AbortSignal.any([removed]), () => {
      kill();
      void drain(output); // the end may wait for it, and the reader may never come back
    }),
    onAbort(stop.signal, () => {
      if (input === undefined) kill();
      else killSoon();
    }),
  ];
  const late = (): void => {
    stop.abort(new SandboxError('SANDBOX011', `The sandbox's files did not answer within ${deadlineMs} ms.`));
  };
  let deadline: NodeJS.Timeout | undefined = setTimeout(late, deadlineMs);
  const failure = new RegExp(`^${nonce} (\\S+) (\\S+)$`, 'm');
  let words = '';
  let broken: unknown = null;
  try {
    const over = new AbortController();
    void process.gone.then(() => over.abort());
    const feeding =
      input === undefined
        ? null
        : feed(process, input, seal, AbortSignal.any([stop.signal, over.signal])).then(
            (error) => {
              broken = error;
              if (error !== null) killSoon();
            },
            (error: unknown) => stop.abort(error),
          );
    for (let next; (next = await output.next()).done !== true;) {
      const { stream, data } = next.value;
      if (stream === 'stderr' && words.length < MAX_WORDS_LENGTH) words += Buffer.from(data).toString('latin1');
      const open = words.includes(`${nonce} open\n`);
      if (open) clearTimeout(deadline); // from here on the reader or the source takes its time
      if (stream === 'stdout') yield data;
      if (input === undefined && failure.test(words)) break; // what it may still write is worth nothing
      if (open && steady) deadline = setTimeout(late, deadlineMs);
    }
    await feeding;
    await process.ended;
  } finally {
    clearTimeout(deadline);
    kill(); // a reader that left ends it
    await drain(output);
    await process.ended;
    clearTimeout(undoing);
    for (const forget of forgets) forget();
  }
  const [, word, side = ''] = failure.exec(words) ?? [];
  if (word === undefined && words.includes(`${nonce} done\n`)) {
    heard?.(words);
    return;
  }
  stop.signal.throwIfAborted();
  if (word !== undefined && (word !== 'cut' || broken === null)) throw explain(word, side);
  const { limitsHit } = await process.ended;
  const limit = limitsHit.find((hit) => hit.limit !== 'disk')?.limit;
  throw limit === undefined
    ? new SandboxError('SANDBOX011', "What reads and writes the sandbox's files ended before it was done.", {
        cause: broken,
      })
    : new SandboxError('SANDBOX004', `The limit "${limit}" leaves no room for reading and writing files.`);
}

/**
 * @returns why the process took no more, or null. A script that has ended closed its stdin: its words tell more.
 * @throws what the source throws; SandboxError SANDBOX008 when it gives something else than bytes
 */
async function feed(
  process: SandboxProcess,
  source: AsyncIterable<Uint8Array>,
  mark: string,
  cut: AbortSignal,
): Promise<unknown> {
  let forget = (): void => undefined;
  const cutOff = new Promise<null>((resolve) => {
    forget = onAbort(cut, () => resolve(null));
  });
  let iterator: AsyncIterator<unknown> | undefined;
  const write = (data: Uint8Array): Promise<unknown> =>
    Promise.race([
      process.write(data).then(
        () => null,
        (error: unknown) => error,
      ),
      cutOff,
    ]);
  try {
    iterator = source[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([iterator.next(), cutOff]);
      if (next === null || cut.aborted) return null;
      if (next.done === true) return await write(Buffer.from(mark));
      if (!isUint8Array(next.value)) {
        throw new SandboxError('SANDBOX008', 'data: each chunk must be bytes, as a Uint8Array.', { field: 'data' });
      }
      const error = await write(next.value);
      if (error !== null) return error;
    }
  } finally {
    forget();
    void iterator?.return?.().catch(() => undefined); // not awaited: it may wait for its own source
    await Promise.race([process.closeInput().catch(() => undefined), process.gone]);
  }
}

async function drain(output: AsyncIterator<unknown>): Promise<void> {
  try {
    while ((await output.next()).done !== true);
  } catch {
    // nobody wants it any more
  }
}

/** @returns ends the listening */
function onAbort(signal: AbortSignal, act: () => void): () => void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', act, { once: true });
  return () => {
    signal.removeEventListener('abort', act);
  };
}

/** Why a command could not be started may name folders of the host. */
function withoutHostPaths(error: unknown): SandboxError {
  if (isSandboxError(error) && error.code !== 'SANDBOX011') return error;
  return new SandboxError('SANDBOX011', "The sandbox's files can't be reached.", { cause: error });
}
