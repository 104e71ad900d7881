import { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { SandboxError, isSandboxError, sentenceOf } from '../contract/error.js';
import type { SandboxFiles } from '../contract/files.js';
import { SandboxProvider } from '../contract/provider.js';
import type { ExecuteOptions, ExecutionEnd, OutputChunk } from '../contract/provider.js';
import type { SandboxConfig, SandboxLimits } from '../contract/config.js';
import { unmeasuredUsage } from '../contract/usage.js';
import type { ResourceUsage } from '../contract/usage.js';
import { Deadline } from './deadline.js';
import { sandboxFiles } from './files/calls.js';
import { superviseRun } from './supervise.js';
import type { CommandSpec, PreparedSolution, SandboxProcess, SandboxTemplate } from './process.js';

interface Entry<Box> {
  box: Box | null;
  readonly config: SandboxConfig;
  /** Those in force. */
  limits: SandboxLimits;
  /** Of the command that runs. */
  deadline: Deadline | null;
  /** Aborted by cleanup: ends a preparation or a run. */
  readonly abort: AbortController;
  /** The preparation or run that is going on; settles, never rejects. */
  work: Promise<void>;
  /** What of ours is under way, such as commands; they settle, never reject. */
  readonly assists: Set<Promise<void>>;
  state: 'preparing' | 'ready' | 'busy' | 'cleaning';
  lastEnd: ExecutionEnd | null;
  cleaning: Promise<boolean> | null;
}

/**
 * The base class that most providers extend. It keeps the promises of the contract – one command at a time, deadlines of which the
 * first cause wins, truthful ends, cleanup at any moment – and leaves to a provider the hooks that touch its technology.
 *
 * @example
 * class MyProvider extends ManagedSandboxProvider<MyBox> {
 *   readonly name = 'mine';
 *   probe() { … }
 *   protected open(template) { … }    // the environment
 *   protected place(box, solution) { … }   // the files
 *   protected spawn(box, run) { … }   // a command
 *   protected measure(box) { … }
 *   protected close(box) { … }
 * }
 */
export abstract class ManagedSandboxProvider<Box> extends SandboxProvider {
  readonly #entries = new Map<string, Entry<Box>>();
  /** Between two samples of a running command's usage, in ms. */
  protected readonly sampleEveryMs: number = 500;
  /** In which a call to files has to open its file, or to do all else, in ms. */
  protected readonly filesDeadlineMs: number = 60_000;

  /** Makes the environment: everything that can be made without the solution. When it throws, nothing is left. */
  protected abstract open(template: SandboxTemplate): Promise<Box>;
  /** Puts the solution's files in. */
  protected abstract place(box: Box, solution: PreparedSolution): Promise<void>;
  /** Starts a command. When it throws, no instruction of it ran (the end is then `not-started`). */
  protected abstract spawn(box: Box, run: CommandSpec): Promise<SandboxProcess>;
  /** What the running command uses, since its start. */
  protected abstract measure(box: Box): Promise<ResourceUsage>;
  /**
   * Starts a command of ours beside the program: as the sandbox's user, in its mounts, under limits, and neither sees the other's
   * processes; with no variables of the solution's. With it `files()` works; a provider that has it claims the capability `files`.
   */
  protected assist?(box: Box, run: CommandSpec): Promise<SandboxProcess>;
  /**
   * Changes limits of memory, CPU, processes or disk, of what runs and of what is run later; all of them, or none. The time of a run is the base
   * class's. With it, a provider claims the capability `adjustable`.
   * @throws SandboxError SANDBOX008 (a memory limit below what is in use), SANDBOX009 (one that can't be changed)
   */
  protected limit?(box: Box, limits: SandboxLimits): Promise<void>;
  /** Removes everything. Called after the last command ended; safe to call twice. */
  protected abstract close(box: Box): Promise<void>;

  override async prepare(solutionId: string, solutionPath: string, config: SandboxConfig): Promise<string> {
    const { sandboxId } = config;
    if (this.#entries.has(sandboxId)) {
      throw new SandboxError('SANDBOX008', `A sandbox ${sandboxId} exists already.`);
    }
    const abort = new AbortController();
    const signal = config.signal === undefined ? abort.signal : AbortSignal.any([config.signal, abort.signal]);
    const entry: Entry<Box> = {
      box: null,
      config,
      limits: config.limits,
      deadline: null,
      abort,
      work: Promise.resolve(),
      assists: new Set(),
      state: 'preparing',
      lastEnd: null,
      cleaning: null,
    };
    this.#entries.set(sandboxId, entry);
    const preparation = this.#prepare(entry, { solutionId, path: solutionPath }, { ...config, signal });
    entry.work = preparation.then(
      () => undefined,
      () => undefined, // the caller of prepare gets the rejection
    );
    await preparation;
    return sandboxId;
  }

  async #prepare(entry: Entry<Box>, solution: PreparedSolution, template: SandboxTemplate): Promise<void> {
    const { signal, report } = template;
    try {
      await requireFolder(solution.path);
      signal?.throwIfAborted();
      entry.box = await this.open(template);
      signal?.throwIfAborted();
      await this.place(entry.box, {
        ...solution,
        ...(signal && { signal }),
        ...(report && { report }),
      });
      signal?.throwIfAborted();
      if (entry.state === 'preparing') entry.state = 'ready';
    } catch (error) {
      const stopped = signal?.aborted === true;
      const failure =
        stopped && !isSandboxError(error)
          ? new SandboxError('SANDBOX011', 'The preparation was cancelled.', { cause: error })
          : error;
      if (entry.cleaning === null) {
        // The box stays known until it could be removed, so that cleanup can try again.
        if (entry.box !== null) await this.close(entry.box).catch((removal: unknown) => unremoved(failure, removal));
        this.#entries.delete(entry.config.sandboxId);
      }
      throw failure;
    }
  }

  override async *execute(
    sandboxId: string,
    command: readonly string[],
    options: ExecuteOptions,
  ): AsyncGenerator<OutputChunk, void, undefined> {
    const entry = this.#entry(sandboxId);
    if (entry.state !== 'ready' || entry.box === null) {
      throw new SandboxError('SANDBOX007', `Sandbox ${sandboxId} is ${entry.state}; it runs one command at a time.`);
    }
    entry.state = 'busy';
    entry.lastEnd = null;
    let settle: () => void = () => undefined;
    entry.work = new Promise((resolve) => (settle = resolve));
    const { box } = entry;
    const deadline = new Deadline(options.timeoutMs);
    entry.deadline = deadline;
    try {
      const signal = options.signal ? AbortSignal.any([options.signal, entry.abort.signal]) : entry.abort.signal;
      const environment = { ...entry.config.environment, ...options.environment };
      entry.lastEnd = yield* superviseRun(command, environment, { ...options, signal }, this.sampleEveryMs, {
        spawn: (run) => this.spawn(box, run),
        measure: () => this.measure(box),
        deadline,
      });
    } catch (error) {
      entry.lastEnd = {
        cause: 'lost',
        exitCode: null,
        signal: null,
        limitsHit: [],
        usage: unmeasuredUsage,
        reason: sentenceOf(error),
      };
    } finally {
      // A reader that leaves ends the generator in `superviseRun`, whose own finally waits for the tree to be gone.
      entry.lastEnd ??= {
        cause: 'stopped',
        exitCode: null,
        signal: null,
        limitsHit: [],
        usage: unmeasuredUsage,
        reason: null,
      };
      entry.deadline = null;
      if (entry.state === 'busy') entry.state = 'ready';
      settle();
    }
  }

  override getResult(sandboxId: string): Promise<ExecutionEnd> {
    return Promise.resolve().then(() => {
      const entry = this.#entry(sandboxId);
      if (entry.lastEnd !== null) return entry.lastEnd;
      throw entry.state === 'busy'
        ? new SandboxError('SANDBOX007', `The command of sandbox ${sandboxId} has not ended.`)
        : new SandboxError('SANDBOX008', `Nothing has run in sandbox ${sandboxId}.`);
    });
  }

  override async adjust(sandboxId: string, limits: SandboxLimits): Promise<void> {
    const entry = this.#entry(sandboxId);
    const { box } = entry;
    if (entry.abort.signal.aborted) throw new SandboxError('SANDBOX006', `Sandbox ${sandboxId} was removed.`);
    if (box === null || entry.state === 'preparing') {
      throw new SandboxError('SANDBOX007', `Sandbox ${sandboxId} is being prepared.`);
    }
    if (boxLimits.some((key) => limits[key] !== entry.limits[key])) {
      if (this.limit === undefined) return super.adjust(sandboxId, limits);
      await this.#track(entry, this.limit(box, limits));
    }
    entry.limits = limits;
    entry.deadline?.change(limits.timeoutMs);
  }

  override async usage(sandboxId: string): Promise<ResourceUsage> {
    const entry = this.#entry(sandboxId);
    if (entry.state === 'busy' && entry.box !== null) return this.measure(entry.box);
    return entry.lastEnd?.usage ?? unmeasuredUsage;
  }

  override files(sandboxId: string): SandboxFiles {
    const assist = this.assist?.bind(this);
    if (assist === undefined) return super.files(sandboxId);
    this.#entry(sandboxId);
    return sandboxFiles({
      deadlineMs: this.filesDeadlineMs,
      enter: () => {
        const entry = this.#entry(sandboxId);
        const { box } = entry;
        const removed = entry.abort.signal;
        if (removed.aborted) throw new SandboxError('SANDBOX006', `Sandbox ${sandboxId} was removed.`);
        if (box === null || entry.state === 'preparing') {
          throw new SandboxError('SANDBOX007', `Sandbox ${sandboxId} is being prepared.`);
        }
        return { removed, start: (run) => this.#assisting(entry, assist(box, run)) };
      },
    });
  }

  #assisting(entry: Entry<Box>, started: Promise<SandboxProcess>): Promise<SandboxProcess> {
    void this.#track(
      entry,
      started.then(({ ended }) => ended),
    ).catch(() => undefined); // whoever started it is told
    return started;
  }

  /** The sandbox's removal waits for it. */
  #track<Result>(entry: Entry<Box>, work: Promise<Result>): Promise<Result> {
    const over = work.then(
      () => undefined,
      () => undefined, // whoever asked for it is told
    );
    entry.assists.add(over);
    void over.then(() => entry.assists.delete(over));
    return work;
  }

  override cleanup(sandboxId: string): Promise<boolean> {
    const entry = this.#entries.get(sandboxId);
    if (entry === undefined) return Promise.resolve(false);
    entry.cleaning ??= this.#cleanup(entry).catch((error: unknown) => {
      entry.cleaning = null; // so that it can be tried again
      throw error;
    });
    return entry.cleaning;
  }

  async #cleanup(entry: Entry<Box>): Promise<boolean> {
    entry.abort.abort(new SandboxError('SANDBOX011', 'The sandbox was removed.'));
    await entry.work;
    await Promise.all(entry.assists); // none begins any more
    entry.state = 'cleaning';
    if (entry.box !== null) await this.close(entry.box);
    this.#entries.delete(entry.config.sandboxId);
    return true;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    const results = await Promise.allSettled([...this.#entries.keys()].map((id) => this.cleanup(id)));
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw new AggregateError(failures, `${this.name}: some sandboxes could not be removed.`);
  }

  #entry(sandboxId: string): Entry<Box> {
    const entry = this.#entries.get(sandboxId);
    if (entry === undefined) throw new SandboxError('SANDBOX006', `There is no sandbox ${sandboxId} here.`);
    return entry;
  }
}

/** What a provider's hook changes. */
const boxLimits = ['memoryBytes', 'cpus', 'pids', 'diskBytes', 'openFiles', 'fileBytes'] as const;

function unremoved(failure: unknown, removal: unknown): never {
  const message = `${sentenceOf(failure)} What had been made could not be removed yet: ${sentenceOf(removal)}`;
  const code = isSandboxError(failure) ? failure.code : 'SANDBOX011';
  throw new SandboxError(code, message, { cause: new AggregateError([failure, removal]) });
}

async function requireFolder(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => error);
  if (found instanceof Stats && found.isDirectory()) return;
  throw new SandboxError('SANDBOX008', 'The folder with the files of the solution does not exist.', { cause: found });
}
