import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseInput } from '../config/parse.js';
import { executionIdField } from '../config/fields.js';
import type { ProviderCapabilities } from '../contract/capabilities.js';
import { changeLimits, wishesOf } from '../config/limits.js';
import type { LimitWishes } from '../config/limits.js';
import { limitsRequestSchema } from '../config/request.js';
import type { LimitsRequest } from '../config/request.js';
import type { LimitName, SandboxConfig, SandboxLimits } from '../contract/config.js';
import { SandboxError, isSandboxError, sentenceOf } from '../contract/error.js';
import type { LogEntry } from '../contract/events.js';
import type { Logger } from '../contract/logger.js';
import type { ExecutionEnd, SandboxProvider } from '../contract/provider.js';
import type { SandboxResult } from '../contract/result.js';
import { statusOfSandbox } from '../contract/status.js';
import type { EndSummary, SandboxPhase, SandboxStatus } from '../contract/status.js';
import { EventLog } from '../execution/index.js';
import type { Selection } from '../factory/choose.js';
import type { Solution } from '../solution/content.js';
import { collectOutput } from './collect.js';
import type { CollectedOutput } from './collect.js';
import { runExecution } from './execution.js';
import type { Execution } from './execution.js';
import { boundedFiles } from './file-calls.js';
import type { RunnerFiles } from './file-calls.js';
import type { History } from './history.js';
import type { KeptResult, StoredResult } from './journal.js';
import { commandOf, interactionOf } from './execute-request.js';
import type { ExecuteRequest, Interaction } from './execute-request.js';
import { Followers } from './followers.js';
import { changeOf, notAdjustable } from './limit-change.js';
import type { AdjustedLimits } from './limit-change.js';
import { LiveExecution } from './live-execution.js';
import type { Outputs } from './outputs.js';
import { ioOf } from './io-of.js';
import { withText } from './results.js';

/** What a sandbox needs of the house around it. */
export interface SandboxPorts {
  readonly provider: SandboxProvider;
  readonly config: SandboxConfig;
  /** What the provider's probe found when it was chosen. */
  readonly capabilities: ProviderCapabilities;
  readonly ceiling: LimitWishes;
  readonly selection: Selection;
  readonly solution: Solution;
  /** Writes the solution's files and returns their folder. */
  readonly materialise: () => Promise<string>;
  readonly history: History;
  readonly executionsDir: string;
  readonly outputs: Outputs;
  readonly killGraceMs: number;
  readonly idleMs: number;
  readonly logger: Logger;
  /** An execution of this id that this sandbox had before. @throws SandboxError SANDBOX008 when the id is another sandbox's. */
  readonly known: (executionId: string) => Promise<Execution> | null;
  /** Takes an id for this sandbox; the returned function gives it back, if nothing came of it. */
  readonly claim: (executionId: string) => () => void;
  /** Keeps a result; resolves before readers see the end. */
  readonly keep: (result: StoredResult) => Promise<KeptResult>;
  readonly onGone: (sandbox: Sandbox) => void;
}

const maxEarlyReports = 1000;

/** A sandbox that is here: prepares, executes one command at a time, is cleaned. */
export class Sandbox implements AsyncDisposable {
  readonly id: string;
  readonly solutionId: string;
  readonly selection: Selection;
  /** ISO 8601, UTC. */
  readonly started: string = new Date().toISOString();
  /** Resolves with the preparation's time in ms once commands can run; rejects when the preparation failed. */
  readonly ready: Promise<number>;
  readonly #ports: SandboxPorts;
  readonly #abort = new AbortController();
  /** Those in force. */
  #limits: SandboxLimits;
  /** One change of them after the other. */
  #adjusting: Promise<unknown> = Promise.resolve();
  readonly #executions = new Map<string, Promise<LiveExecution>>();
  #early: { entry: LogEntry; at: number }[] = [];
  #phase: SandboxPhase = 'preparing';
  #current: LiveExecution | null = null;
  #starting: string | null = null;
  #lastEnd: EndSummary | null = null;
  #failure: string | null = null;
  #prepareTimeMs: number | null = null;
  #cleaning: Promise<void> | null = null;
  #idle: NodeJS.Timeout | undefined;
  /** Calls to its files go on. */
  #filesUsed = false;
  readonly #files: RunnerFiles;
  #restingSince: Date | null = null;
  readonly #followers = new Followers();

  constructor(ports: SandboxPorts) {
    this.#ports = ports;
    this.id = ports.config.sandboxId;
    this.solutionId = ports.solution.id;
    this.selection = ports.selection;
    this.#limits = ports.config.limits;
    this.ready = this.#prepare();
    this.ready.catch(() => undefined); // told by executions and results
    this.#files = boundedFiles({
      id: this.id,
      prepared: this.ready.catch(() => undefined),
      requireHere: () => this.#requireHere(),
      files: () => ports.provider.files(this.id),
      onUse: (used) => {
        this.#filesUsed = used;
        if (this.#starting === null && this.#current?.running !== true) this.#rest();
      },
    });
    this.#rest();
  }

  get status(): SandboxStatus {
    return statusOfSandbox(this.#phase, this.#lastEnd);
  }

  /** The running or last execution. */
  get current(): Execution | null {
    return this.#current;
  }

  /** When its last execution ended. Null: one runs, or none has. */
  get restingSince(): Date | null {
    return this.#restingSince;
  }

  /**
   * The execution that runs at this call, and each later one as it starts, whoever starts it; finishes when the sandbox is gone, or
   * `signal` is aborted. A follower that stops reading aborts it.
   */
  follow(signal?: AbortSignal): AsyncGenerator<Execution, void, undefined> {
    if (this.#phase === 'cleaned') return this.#followers.follow(null, AbortSignal.abort());
    return this.#followers.follow(this.#current?.running === true ? this.#current : null, signal);
  }

  /** Why the preparation failed, a sentence. */
  get failure(): string | null {
    return this.#failure;
  }

  get prepareTimeMs(): number | null {
    return this.#prepareTimeMs;
  }

  async #prepare(): Promise<number> {
    const { provider, config, solution, materialise, history } = this.#ports;
    const begun = performance.now();
    try {
      const path = await materialise();
      await provider.prepare(solution.id, path, {
        ...config,
        signal: this.#abort.signal,
        report: (entry) => {
          // They open the log of the first execution, which may not be here yet.
          if (this.#current !== null) this.#current.log.append(entry);
          else if (this.#early.length < maxEarlyReports) this.#early.push({ entry, at: performance.now() });
        },
      });
    } catch (error) {
      // A system error names paths of the server, which are for its log.
      this.#failure = isSandboxError(error)
        ? error.message
        : 'The sandbox could not be prepared; the log of the server says why.';
      if (this.#phase === 'preparing') this.#phase = 'broken';
      if (!this.#abort.signal.aborted) {
        this.#ports.logger.warn('A sandbox could not be prepared', { sandboxId: this.id, error: sentenceOf(error) });
        await history.add({ kind: 'failed', sandboxId: this.id, failure: this.#failure });
      }
      throw error;
    }
    this.#prepareTimeMs = performance.now() - begun;
    if (this.#phase === 'preparing') this.#phase = this.#current?.running === true ? 'busy' : 'ready';
    return this.#prepareTimeMs;
  }

  /**
   * Starts a command; waits for nothing but the log's first entry on disk.
   * @throws SandboxError SANDBOX006 (being cleaned), SANDBOX007 (one runs), SANDBOX008 (bad input, or no command), SANDBOX011 (lost).
   */
  async execute(request: ExecuteRequest = {}): Promise<Execution> {
    const executionId =
      request.executionId === undefined
        ? randomUUID()
        : parseInput(executionIdField, request.executionId, 'executionId');
    const known = this.#executions.get(executionId) ?? this.#ports.known(executionId);
    if (known !== null) return known;
    const { solution, provider, capabilities } = this.#ports;
    const command = commandOf(request, solution);
    const interaction = interactionOf(request, provider.name, capabilities);
    if (this.#cleaning !== null) throw new SandboxError('SANDBOX006', `Sandbox ${this.id} has been removed.`);
    if (this.#starting !== null || this.#current?.running === true) {
      throw new SandboxError('SANDBOX007', `Sandbox ${this.id} runs a command already; wait for its end, or stop it.`);
    }
    if (this.#lastEnd?.cause === 'lost') {
      throw new SandboxError(
        'SANDBOX011',
        `The environment of sandbox ${this.id} was lost. Remove it and open a new one.`,
      );
    }
    const giveBack = this.#ports.claim(executionId);
    this.#starting = executionId;
    const starting = this.#start(executionId, command, interaction).finally(() => (this.#starting = null));
    this.#executions.set(executionId, starting);
    starting.then(giveBack, () => {
      this.#executions.delete(executionId);
      giveBack();
    });
    return starting;
  }

  async #start(executionId: string, command: readonly string[], interaction: Interaction): Promise<LiveExecution> {
    const { history, executionsDir, provider, killGraceMs, solution } = this.#ports;
    clearTimeout(this.#idle);
    const path = join(executionsDir, `${executionId}.log`);
    const log = await EventLog.create(path, { outputLimitBytes: this.#limits.outputBytes }).catch((cause: unknown) => {
      this.#rest();
      throw new SandboxError('SANDBOX004', 'The log of the run could not be made: is the disk of the server full?', {
        cause,
      });
    });
    try {
      await history.add({ kind: 'start', executionId, sandboxId: this.id, at: new Date().toISOString() });
    } catch (error) {
      this.#rest();
      await log[Symbol.asyncDispose]();
      await rm(log.path, { force: true });
      throw error;
    }
    const previous = this.#current;
    for (const { entry } of this.#early.splice(0)) log.append(entry, 0);
    log.append({ type: 'status', status: this.#phase === 'preparing' ? 'preparing' : 'ready' }, 0);
    const { input, resizes, text, size } = interaction;
    const { timeoutMs, outputBytes } = this.#limits;
    log.limitOutput(outputBytes); // they may have been changed since the log was made
    const execution = new LiveExecution(executionId, this.id, log, { input, resizes }, timeoutMs);
    this.#current = execution;
    this.#restingSince = null;
    this.#followers.tell(execution);
    this.#lastEnd = null;
    if (this.#phase === 'ready') this.#phase = 'busy';
    const spec = {
      executionId,
      sandboxId: this.id,
      solutionId: solution.id,
      command,
      timeout: execution.timeout,
      killGraceMs,
    };
    const signal = AbortSignal.any([execution.abort.signal, this.#abort.signal]);
    let settled = false;
    execution.run(
      runExecution(
        {
          ...spec,
          ...((input ?? text) && { stdin: input ?? text }),
          ...(size && { tty: { ...size, ...(resizes && { resizes }) } }),
        },
        {
          provider,
          log,
          progress: execution.progress,
          ready: this.ready,
          signal,
          onRunning: () => {
            if (this.#phase === 'ready') this.#phase = 'busy';
          },
          collect: (end) => this.#collect(execution, end),
          commit: async (result) => {
            const kept = await this.#ports.keep(result);
            settled = kept.recorded;
            // The next command may be sent by whoever has seen the end, so the sandbox is at rest before that is written.
            this.#lastEnd = { cause: result.cause ?? 'lost', exitCode: result.exitCode };
            if (this.#phase === 'busy') this.#phase = result.cause === 'lost' ? 'broken' : 'ready';
            execution.running = false;
            this.#restingSince = new Date();
            void input?.return();
            this.#rest();
            return kept.result;
          },
        },
      ).then(async ({ result }) => {
        const text = await withText(result, log);
        if (settled) await this.#settle(executionId);
        return text;
      }),
    );
    if (previous !== null) {
      this.#executions.delete(previous.id);
      previous.retire().catch((error: unknown) => {
        this.#ports.logger.error('A log could not be closed', { executionId: previous.id, error: sentenceOf(error) });
      });
    }
    return execution;
  }

  async #collect({ id, progress }: LiveExecution, end: ExecutionEnd): Promise<CollectedOutput> {
    const { provider, capabilities, outputs, logger } = this.#ports;
    const ran = progress.startedAt !== null && end.cause !== 'lost' && end.cause !== 'not-started';
    if (!ran || !capabilities.files) return { files: null, errors: [] };
    if (end.outputEmpty === true) return { files: [], errors: [] };
    return collectOutput(id, () => provider.files(this.id), outputs, logger);
  }

  /** Without this line the next start completes the execution again, which changes nothing. */
  async #settle(executionId: string): Promise<void> {
    try {
      await this.#ports.history.add({ kind: 'settled', executionId });
    } catch (error) {
      this.#ports.logger.warn('The journal could not be written', { executionId, error: sentenceOf(error) });
    }
  }

  /** An execution of this sandbox, also one that is being started. */
  find(executionId: string): Promise<Execution> | null {
    return this.#executions.get(executionId) ?? null;
  }

  /** It is going, or gone. */
  get isLeaving(): boolean {
    return this.#cleaning !== null;
  }

  /**
   * Its files, before, while and after its commands run. Calls wait for the preparation. Four at a time are made: at most three that have
   * a body, whose other end may be slow (`read` of more than 64 KiB or without a `length`, `write` of data that comes by and by, `pack`,
   * `unpack`), so that the others always go on. Of each of both kinds 32 wait (else SANDBOX007).
   * @throws SandboxError in each call: SANDBOX006 (being cleaned), SANDBOX009 (its provider has no way to them), SANDBOX011 (its preparation
   *   failed), and as in {@link RunnerFiles}
   */
  files(): RunnerFiles {
    return this.#files;
  }

  /**
   * Changes limits of a sandbox that is here: of what runs in it, and of what is run later. What is not named stays; all that is named is changed, or
   * nothing. Waits for the preparation, and for a change that goes on.
   * @throws SandboxError SANDBOX006 (being cleaned), SANDBOX008 (a bad value; a memory limit below what is in use), SANDBOX009 (its provider
   *   can't change that), SANDBOX011 (its preparation failed, or it was lost)
   */
  async adjust(request: LimitsRequest): Promise<AdjustedLimits> {
    const wishes = wishesOf(parseInput(limitsRequestSchema, request));
    const adjusting = this.#adjusting.then(() => this.#adjust(wishes));
    this.#adjusting = adjusting.catch(() => undefined); // its own caller is told
    return adjusting;
  }

  async #adjust(wishes: LimitWishes): Promise<AdjustedLimits> {
    this.#requireHere();
    await this.ready.catch(() => undefined);
    this.#requireHere();
    if (this.#lastEnd?.cause === 'lost') throw new SandboxError('SANDBOX011', `Sandbox ${this.id} was lost.`);
    const { provider, capabilities, ceiling } = this.#ports;
    const { limits, notes, changed } = changeLimits(this.#limits, wishes, ceiling, capabilities.machine);
    const running = (): boolean => this.#starting !== null || this.#current?.running === true;
    const adjustable = (limit: LimitName): boolean => capabilities.adjustable?.includes(limit) === true;
    // The core discards output by itself, and tells a provider the time of each run as it starts.
    const ours = (limit: LimitName): boolean => limit === 'output' || (limit === 'wall-time' && !running());
    const theirs = changed.filter((limit) => !ours(limit));
    const fixed = theirs.find((limit) => !adjustable(limit));
    if (fixed !== undefined) throw notAdjustable(provider.name, fixed, capabilities);
    const before = this.#limits;
    // What may be refused comes first, and alone. The time of a run can't be.
    if (theirs.some((limit) => limit !== 'wall-time')) {
      await provider.adjust(this.id, { ...limits, timeoutMs: before.timeoutMs });
    }
    this.#limits = limits; // a run that starts from here on has them
    const current = this.#current;
    if (current?.goesOn !== true) return { limits, notes };
    current.log.limitOutput(limits.outputBytes);
    const timed = changed.includes('wall-time') && adjustable('wall-time');
    if (timed) {
      // Before the provider is told: it may be about to be told of the run.
      current.timeout.change(limits.timeoutMs);
      await provider.adjust(this.id, limits);
    }
    const told = changed.filter((limit) => limit !== 'wall-time' || timed);
    if (told.length > 0) current.log.append(changeOf(before, limits, told));
    return { limits, notes };
  }

  #requireHere(): void {
    if (this.#cleaning !== null) throw new SandboxError('SANDBOX006', `Sandbox ${this.id} has been removed.`);
    if (this.#failure !== null) throw new SandboxError('SANDBOX011', this.#failure);
  }

  /** Ends what runs, and waits for its end. False: nothing ran. */
  async stop(): Promise<boolean> {
    const starting = this.#starting;
    const current = starting === null ? this.#current : await this.#executions.get(starting);
    if (current?.running !== true) return false;
    await current.stop();
    return true;
  }

  /** What is known while nothing has been executed. */
  emptyResult(): SandboxResult {
    return {
      sandboxId: this.id,
      solutionId: this.solutionId,
      executionId: null,
      status: this.status,
      cause: this.#failure === null ? null : 'not-started',
      exitCode: null,
      signal: null,
      executionTimeMs: null,
      stdout: null,
      stderr: null,
      truncated: false,
      metrics: this.#metrics(),
      limitsHit: [],
      errors: this.#failure === null ? [] : [this.#failure],
      files: null,
    };
  }

  /** What is known of the execution that goes on. */
  async runningResult(): Promise<SandboxResult> {
    const current = this.#current;
    if (current === null) return this.emptyResult();
    const { samples } = current.progress;
    const executionTimeMs = current.progress.elapsedMs();
    const result: Omit<SandboxResult, 'stdout' | 'stderr'> = {
      ...this.emptyResult(),
      executionId: current.id,
      executionTimeMs,
      truncated: current.log.truncated,
      metrics: {
        ...this.#metrics(),
        wallTimeMs: executionTimeMs,
        cpuTimeMs: samples.at(-1)?.cpuTimeMs ?? null,
        memoryPeakBytes: samples.at(-1)?.memoryPeakBytes ?? null,
        ...ioOf(samples.at(-1)),
        samples: [...samples],
      },
    };
    return withText(result, current.log);
  }

  #metrics(): SandboxResult['metrics'] {
    return {
      provider: this.#ports.provider.name,
      wallTimeMs: null,
      cpuTimeMs: null,
      memoryPeakBytes: null,
      prepareTimeMs: this.#prepareTimeMs,
      samples: [],
    };
  }

  /** Ends what runs and removes everything. Can be tried again when it rejects. */
  cleanup(): Promise<void> {
    this.#cleaning ??= this.#cleanup().catch((error: unknown) => {
      this.#cleaning = null;
      this.#rest();
      throw error;
    });
    return this.#cleaning;
  }

  async #cleanup(): Promise<void> {
    clearTimeout(this.#idle);
    const { provider, history, onGone } = this.#ports;
    const before = this.#phase;
    this.#abort.abort(new SandboxError('SANDBOX011', 'The sandbox was removed.'));
    await this.stop();
    await this.ready.catch(() => undefined);
    this.#phase = 'cleaning';
    try {
      await provider.cleanup(this.id);
    } catch (error) {
      this.#phase = before === 'busy' ? 'broken' : before;
      throw error;
    }
    this.#phase = 'cleaned';
    await history.add({ kind: 'gone', sandboxId: this.id, at: new Date().toISOString() });
    onGone(this);
    this.#followers.end();
    await this.#current?.retire();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cleanup();
  }

  /** Starts the time after which an unused sandbox goes. */
  #rest(): void {
    clearTimeout(this.#idle);
    if (this.#cleaning !== null || this.#filesUsed) return;
    this.#idle = setTimeout(() => {
      this.#ports.logger.info('A sandbox was idle and is removed', { sandboxId: this.id });
      this.cleanup().catch((error: unknown) => {
        this.#ports.logger.error('An idle sandbox could not be removed', {
          sandboxId: this.id,
          error: sentenceOf(error),
        });
      });
    }, this.#ports.idleMs);
    this.#idle.unref();
  }
}
