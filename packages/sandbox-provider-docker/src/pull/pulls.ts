import type { Logger, ReportSink } from '@ergon/sandbox-core';
import { SandboxError } from '@ergon/sandbox-core';
import { thisProcess } from '../connect/resolve.js';
import { unlessAborted } from '../engine/bounded.js';
import type { Engine } from '../engine/engine.js';
import { engineWords, isEngineFailure } from '../engine/errors.js';
import { findCredentials } from './credentials.js';
import { pullFailure } from './failure.js';
import { jsonLines } from './lines.js';
import type { ImageName } from './name.js';
import { parseMessage, PullProgress, type PullState } from './progress.js';
import type { PullRules } from './rules.js';

/** An engine tells each retry and each part of a layer. One that says nothing for so long waits for a registry that does not answer. */
const SILENCE_MS = 120_000;
/** Between two events of progress. */
const TELL_MS = 2000;

export interface Wanted {
  readonly reference: string;
  readonly name: ImageName;
  /** As Docker has it, e.g. `linux/amd64`. Null: the engine's own. */
  readonly platform: string | null;
}

interface Going {
  readonly done: Promise<void>;
  readonly waiters: Set<{ readonly report: ReportSink }>;
  readonly over: AbortController;
}

/** The pulls of one engine that go on. Who waits for the same image shares one, and the last who leaves ends it. */
export class ImagePulls {
  readonly #going = new Map<string, Going>();

  constructor(
    private readonly engine: Engine,
    private readonly rules: Pick<PullRules, 'timeoutMs' | 'maxBytes'>,
    private readonly logger: Logger,
    private readonly silenceMs = SILENCE_MS,
  ) {}

  /**
   * Gets an image; its progress is reported as `progress` of the phases `pulling` and `unpacking`, in bytes as they are transferred.
   * @throws SandboxError SANDBOX001 (the registry, its time), SANDBOX004 (too large, disk full), SANDBOX009 (no such image, no access), SANDBOX011; the signal's reason
   */
  async pull(wanted: Wanted, signal?: AbortSignal, report: ReportSink = () => undefined): Promise<void> {
    signal?.throwIfAborted();
    const key = JSON.stringify([wanted.name, wanted.platform]);
    const going = this.#going.get(key) ?? this.#start(key, wanted);
    const waiter = { report };
    going.waiters.add(waiter);
    report({ type: 'phase', phase: 'pulling', message: `The image "${wanted.reference}" is pulled.` });
    try {
      await (signal === undefined ? going.done : unlessAborted(going.done, signal));
      report({ type: 'phase', phase: 'pulled', message: `The image "${wanted.reference}" is there.` });
    } finally {
      going.waiters.delete(waiter);
      if (going.waiters.size === 0) {
        going.over.abort(new Error('nobody waits for it any more'));
        this.#forget(key, going);
      }
    }
  }

  #start(key: string, wanted: Wanted): Going {
    const over = new AbortController();
    const waiters: Going['waiters'] = new Set();
    const tell: ReportSink = (report) => {
      for (const waiter of waiters) waiter.report(report);
    };
    const done = this.#run(wanted, over, tell);
    const going = { done, waiters, over };
    this.#going.set(key, going);
    done.catch(() => undefined).finally(() => this.#forget(key, going)); // who waits for it is told
    return going;
  }

  #forget(key: string, going: Going): void {
    if (this.#going.get(key) === going) this.#going.delete(key);
  }

  async #run({ reference, name, platform }: Wanted, over: AbortController, tell: ReportSink): Promise<void> {
    const { engine, logger } = this;
    const { timeoutMs, maxBytes } = this.rules;
    const { signal } = over;
    const end = (code: 'SANDBOX001' | 'SANDBOX004', why: string): void =>
      over.abort(new SandboxError(code, `The image "${reference}" could not be pulled: ${why}.`));
    const deadline = setTimeout(() => end('SANDBOX001', `it took longer than ${timeoutMs / 1000} s`), timeoutMs);
    const silence = setTimeout(
      () => end('SANDBOX001', `the registry "${name.registry}" gave nothing for ${this.silenceMs / 1000} s`),
      this.silenceMs,
    );
    const started = performance.now();
    try {
      const found = await findCredentials(name.registry, thisProcess(), signal);
      const failed = (words: string): SandboxError =>
        pullFailure(words, { reference, registry: name.registry, platform, found });
      const stream = await engine
        .pull(
          {
            repository: name.registry === 'docker.io' ? name.repository : `${name.registry}/${name.repository}`,
            version: 'tag' in name.version ? name.version.tag : name.version.digest,
            platform,
            auth: found.credentials?.header() ?? null,
          },
          signal,
        )
        .catch((error: unknown) => {
          // An engine that answers tells why the registry did not; the words of an error may be the registry's.
          throw isEngineFailure(error) && error.status !== null ? failed(engineWords(error.cause)) : error;
        });
      const progress = new PullProgress();
      const teller = new Teller(tell, name.registry);
      for await (const line of jsonLines(stream)) {
        silence.refresh();
        const message = parseMessage(line);
        const words = message.errorDetail?.message ?? message.error;
        if (words !== undefined) throw failed(words);
        progress.push(message);
        const { state } = progress;
        if (state.atLeast > maxBytes) {
          end('SANDBOX004', `it has more than the ${maxBytes} bytes that this server allows an image`);
        }
        signal.throwIfAborted();
        teller.tell(state);
      }
      signal.throwIfAborted();
      teller.tell(progress.state, true);
      const { transferred: bytes } = progress.state;
      logger.info('An image was pulled', { image: reference, bytes, ms: Math.round(performance.now() - started) });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(deadline);
      clearTimeout(silence);
      over.abort(new Error('it is over')); // an engine that still sends is not listened to
    }
  }
}

/** Few events: what changed, now and then, and what it came to. */
class Teller {
  #last = -Infinity;
  #retries = 0;
  readonly #told: Record<string, string> = {};

  constructor(
    private readonly report: ReportSink,
    private readonly registry: string,
  ) {}

  tell({ transferred, unpacked, total, layers, retries }: PullState, atOnce = false): void {
    if (retries > this.#retries) {
      this.#retries = retries;
      const message = `The registry "${this.registry}" broke a transfer off; the Docker engine tries again.`;
      this.report({ type: 'notice', message });
    }
    if (layers === 0 || (!atOnce && performance.now() - this.#last < TELL_MS)) return;
    this.#last = performance.now();
    this.#tell('pulling', transferred, total);
    if (unpacked > 0) this.#tell('unpacking', unpacked, total);
  }

  #tell(phase: string, done: number, total: number | null): void {
    const now = `${done}/${total ?? ''}`;
    if (this.#told[phase] === now) return;
    this.#told[phase] = now;
    this.report({ type: 'progress', phase, done, total });
  }
}
