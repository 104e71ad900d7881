import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseInput } from '../config/parse.js';
import { requestSchema } from '../config/request.js';
import type { SandboxRequest } from '../config/request.js';
import { SandboxError, sentenceOf } from '../contract/error.js';
import { silentLogger } from '../contract/logger.js';
import type { Logger } from '../contract/logger.js';
import type { SandboxResult } from '../contract/result.js';
import type { SolutionRegistry } from '../contract/solution.js';
import type { SandboxStatus } from '../contract/status.js';
import { EventLog } from '../execution/index.js';
import { exists } from '../exists.js';
import type { SandboxFactory } from '../factory/factory.js';
import { parseSolution } from '../solution/content.js';
import type { Solution } from '../solution/content.js';
import { SolutionFiles } from '../solution/materialise.js';
import type { Execution, FollowOptions } from './execution.js';
import { configureSandbox } from './configure.js';
import type { Ceiling } from './configure.js';
import { lockDataFolder } from './data-lock.js';
import { History, testResultOf } from './history.js';
import type { HistoryRow, SandboxRecord } from './history.js';
import { newInstanceId } from './instance.js';
import type { KeptResult, StoredResult } from './journal.js';
import { hasEnded } from './live-execution.js';
import { emptyOutput, Outputs } from './outputs.js';
import type { KeptOutput } from './outputs.js';
import { endCutOffRuns, forgetStart, nameStart, noteProvider, reclaimLeftovers, reclaimStrays } from './recovery.js';
import { readKeptEvents, withText } from './results.js';
import { Sandbox } from './sandbox.js';
import { UntoldResults } from './untold.js';
import type { ExecuteRequest } from './execute-request.js';

export interface RunnerOptions {
  /** A folder of this runner's own: history, logs, files of solutions, what providers keep. */
  readonly dataDir: string;
  readonly registry: SolutionRegistry;
  readonly factory: SandboxFactory;
  readonly logger?: Logger;
  /** Sandboxes at one time. @default 10 */
  readonly maxConcurrent?: number;
  /** A sandbox in which nothing has run for so long goes, in ms. @default 1800000 (30 minutes) */
  readonly idleMs?: number;
  /** Between SIGTERM and SIGKILL, in ms. @default 1000 */
  readonly killGraceMs?: number;
  /** No sandbox gets more than this. */
  readonly ceiling?: Ceiling;
  /** Between two looks for what dead servers left, in ms. @default 60000 */
  readonly reclaimEveryMs?: number;
  /** A result that the registry did not take is told again after so long, in ms, and then after twice as long each time. @default 10000 */
  readonly tellAgainMs?: number;
  /** The user to whom sandboxes belong. @default "local" */
  readonly ownerId?: string;
}

export interface ActiveSandbox {
  readonly sandboxId: string;
  readonly solutionId: string;
  readonly status: SandboxStatus;
  readonly provider: string;
  /** ISO 8601, UTC. */
  readonly started: string;
}

/** A look for leftovers, or a registry, may hold up the end of a server for so long: the next start looks again. */
const reclaimGraceMs = 2000;
const solutionsUnusedMs = 7 * 24 * 3600 * 1000;

/**
 * Tests solutions in sandboxes: opens and cleans them, runs commands, keeps results and history.
 *
 * @example
 * const runner = await SandboxRunner.start({ dataDir, registry, factory });
 * await using sandbox = await runner.open('hello-python', { timeout: 60 });
 * const execution = await sandbox.execute();
 * for await (const events of execution.events()) for (const event of events) console.log(event);
 * console.log(await execution.result);
 */
export class SandboxRunner implements AsyncDisposable {
  readonly #options: Required<RunnerOptions>;
  readonly #instanceId: string;
  readonly #history: History;
  readonly #files: SolutionFiles;
  readonly #outputs: Outputs;
  readonly #unlock: () => Promise<void>;
  /** Earlier starts of which something could not be removed, which was said. */
  readonly #unreclaimed: Set<string>;
  /** Providers that were noted as used. */
  readonly #used = new Set<string>();
  readonly #sandboxes = new Map<string, Sandbox>();
  /** Ids of executions that are being started, with their sandboxes. */
  readonly #claims = new Map<string, string>();
  /** Requests that are past the limit's check. */
  readonly #opening = new Set<Promise<Sandbox>>();
  /** Requests that are past the limit's check and not in the map yet. */
  #admitted = 0;
  #closing: Promise<void> | null = null;
  /** The look for leftovers under way, or the last one. */
  #reclaiming: Promise<void>;
  #isReclaiming = false;
  readonly #reclaimTimer: NodeJS.Timeout;
  readonly #untold: UntoldResults;

  private constructor(
    options: Required<RunnerOptions>,
    instanceId: string,
    history: History,
    files: SolutionFiles,
    outputs: Outputs,
    unlock: () => Promise<void>,
    unreclaimed: Set<string>,
  ) {
    this.#options = options;
    this.#instanceId = instanceId;
    this.#history = history;
    this.#files = files;
    this.#outputs = outputs;
    this.#unlock = unlock;
    this.#unreclaimed = unreclaimed;
    this.#reclaiming = reclaimStrays(options.factory, options.logger);
    this.#reclaimTimer = setInterval(() => this.#reclaimAgain(), options.reclaimEveryMs).unref();
    this.#untold = new UntoldResults({ firstMs: options.tellAgainMs, tell: (id) => this.#tellAgain(id) });
  }

  #reclaimAgain(): void {
    if (this.#isReclaiming) return; // a technology that hangs is not asked again and again
    this.#isReclaiming = true;
    const { dataDir, factory, logger } = this.#options;
    this.#reclaiming = this.#reclaiming
      .then(async () => {
        if (this.#closing !== null) return; // the data folder may be another's by now
        await reclaimLeftovers(dataDir, this.#instanceId, factory, logger, this.#unreclaimed);
      })
      .then(() => reclaimStrays(factory, logger))
      .catch((error: unknown) => {
        logger.error('Leftovers could not be looked for', { error: sentenceOf(error) });
      })
      .finally(() => (this.#isReclaiming = false));
  }

  /**
   * Takes the data folder, removes what a dead start left on it, ends what it was running in the history.
   * @throws SandboxError SANDBOX001 when another runner has the folder.
   */
  static async start(options: RunnerOptions): Promise<SandboxRunner> {
    const full: Required<RunnerOptions> = {
      logger: silentLogger,
      maxConcurrent: 10,
      idleMs: 30 * 60_000,
      killGraceMs: 1000,
      ceiling: {},
      reclaimEveryMs: 60_000,
      tellAgainMs: 10_000,
      ownerId: 'local',
      ...options,
      dataDir: resolve(options.dataDir),
    };
    const { dataDir, factory, logger } = full;
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await mkdir(join(dataDir, 'executions'), { recursive: true, mode: 0o700 });
    const instanceId = newInstanceId();
    const unlock = await lockDataFolder(dataDir, instanceId);
    let history: History | null = null;
    try {
      // Named before anything of this start is made, so that the next start finds it.
      await nameStart(dataDir, instanceId);
      const unreclaimed = new Set<string>();
      await reclaimLeftovers(dataDir, instanceId, factory, logger, unreclaimed);
      const files = new SolutionFiles(join(dataDir, 'solutions'));
      await files.sweep(solutionsUnusedMs);
      history = await History.open(join(dataDir, 'history.jsonl'));
      const { executions } = history;
      const outputs = await Outputs.open(join(dataDir, 'outputs'));
      await outputs.sweep((executionId) => executions.get(executionId)?.end != null);
      const runner = new SandboxRunner(full, instanceId, history, files, outputs, unlock, unreclaimed);
      await endCutOffRuns(history, runner.#executionsDir, (result) => runner.#record(result), logger);
      return runner;
    } catch (error) {
      await history?.close();
      await unlock();
      throw error;
    }
  }

  get #executionsDir(): string {
    return join(this.#options.dataDir, 'executions');
  }

  get instanceId(): string {
    return this.#instanceId;
  }

  /**
   * Opens a sandbox for a solution. Answers once the request is valid, admitted and its provider chosen; the preparation goes on.
   * @throws SandboxError SANDBOX001, 002, 005, 008, 009.
   */
  async open(solutionId: string, request: SandboxRequest = {}): Promise<Sandbox> {
    const parsed = parseInput(requestSchema, request);
    if (this.#closing !== null) throw new SandboxError('SANDBOX001', 'The server is shutting down.');
    const stored = await this.#options.registry.getSolution(solutionId);
    if (stored === null) {
      throw new SandboxError('SANDBOX002', `There is no solution "${solutionId}" in the registry.`, {
        field: 'solution_id',
      });
    }
    const solution = parseSolution(stored);
    const { config, asked, notes } = configureSandbox(solution, parsed, {
      sandboxId: randomUUID(),
      instanceId: this.#instanceId,
      ownerId: this.#options.ownerId,
      ceiling: this.#options.ceiling,
    });
    const chosen = await this.#options.factory.choose({
      config,
      requested: parsed.provider,
      strict: parsed.strict ?? false,
      asked,
    });
    const release = this.#admit();
    const opening = this.#open(solution, { ...chosen, notes }, parsed.run === true, release).finally(release);
    this.#opening.add(opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(opening);
    }
  }

  async #open(
    solution: Solution,
    {
      provider,
      capabilities,
      config,
      selection,
      notes,
    }: Awaited<ReturnType<SandboxFactory['choose']>> & { notes: readonly string[] },
    run: boolean,
    release: () => void,
  ): Promise<Sandbox> {
    if (!this.#used.has(provider.name)) {
      await noteProvider(this.#options.dataDir, this.#instanceId, provider.name);
      this.#used.add(provider.name);
    }
    await this.#history.add({
      kind: 'sandbox',
      sandboxId: config.sandboxId,
      solutionId: solution.id,
      ownerId: config.ownerId,
      provider: provider.name,
      at: new Date().toISOString(),
    });
    const sandbox = new Sandbox({
      provider,
      capabilities,
      config,
      selection: { ...selection, notes: [...notes, ...selection.notes] },
      solution,
      materialise: () => this.#files.materialise(solution.files),
      history: this.#history,
      executionsDir: this.#executionsDir,
      outputs: this.#outputs,
      killGraceMs: this.#options.killGraceMs,
      idleMs: this.#options.idleMs,
      logger: this.#options.logger,
      known: (executionId) => this.#knownExecution(executionId, config.sandboxId),
      claim: (executionId) => this.#claim(executionId, config.sandboxId),
      keep: (result) => this.#keep(result),
      onGone: ({ id }) => {
        this.#sandboxes.delete(id);
      },
    });
    this.#sandboxes.set(sandbox.id, sandbox);
    release(); // it counts by being in the map from here on
    if (!run) return sandbox;
    try {
      await sandbox.execute();
      return sandbox;
    } catch (error) {
      await sandbox.cleanup(); // its id was told to nobody
      throw error;
    }
  }

  #knownExecution(executionId: string, sandboxId: string): Promise<Execution> | null {
    const owner = this.#history.executions.get(executionId)?.sandbox.sandboxId ?? this.#claims.get(executionId);
    if (owner === undefined) return null;
    if (owner === sandboxId) return this.execution(executionId);
    throw new SandboxError('SANDBOX008', 'execution_id: another sandbox has an execution of this id.', {
      field: 'execution_id',
    });
  }

  #claim(executionId: string, sandboxId: string): () => void {
    this.#claims.set(executionId, sandboxId);
    return () => {
      this.#claims.delete(executionId);
    };
  }

  /** Counts a sandbox before the first await after the check, so that two requests can't share the last place. */
  #admit(): () => void {
    if (this.#closing !== null) throw new SandboxError('SANDBOX001', 'The server is shutting down.');
    const { maxConcurrent } = this.#options;
    if (this.#sandboxes.size + this.#admitted >= maxConcurrent) {
      throw new SandboxError(
        'SANDBOX005',
        `Maximum concurrent sandboxes reached (${String(maxConcurrent)}). Remove one that is no longer needed.`,
      );
    }
    this.#admitted += 1;
    let counted = true;
    return () => {
      if (counted) this.#admitted -= 1;
      counted = false;
    };
  }

  /** Opens a sandbox, runs the solution's command to its end, and removes the sandbox. */
  async test(solutionId: string, request: SandboxRequest = {}): Promise<SandboxResult> {
    await using sandbox = await this.open(solutionId, { ...request, run: false });
    const execution = await sandbox.execute();
    return await execution.result;
  }

  /** @throws SandboxError SANDBOX006 when it is not here (any more). */
  sandbox(sandboxId: string): Sandbox {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox !== undefined) return sandbox;
    throw new SandboxError(
      'SANDBOX006',
      this.#history.sandboxes.has(sandboxId)
        ? `Sandbox ${sandboxId} has been removed; its results are still there.`
        : `There is no sandbox ${sandboxId}.`,
      { field: 'sandbox_id' },
    );
  }

  /** The same `executionId` again follows that execution and never starts a second. */
  async execute(sandboxId: string, request: ExecuteRequest = {}): Promise<Execution> {
    const { executionId } = request;
    const known = executionId === undefined ? null : this.#knownExecution(executionId, sandboxId);
    return known ?? this.sandbox(sandboxId).execute(request);
  }

  /**
   * A running, ended, or long gone execution.
   * @throws SandboxError SANDBOX006 when there never was one.
   */
  async execution(executionId: string): Promise<Execution> {
    const sandboxId = this.#history.executions.get(executionId)?.sandbox.sandboxId ?? this.#claims.get(executionId);
    const live = sandboxId === undefined ? undefined : this.#sandboxes.get(sandboxId)?.find(executionId);
    if (live != null) return live; // being started, running, or the last one
    const result = await this.#history.result(executionId);
    if (sandboxId === undefined || result === null) {
      throw new SandboxError('SANDBOX006', `There is no execution ${executionId}.`, { field: 'execution_id' });
    }
    const path = this.#logPath(executionId);
    return {
      id: executionId,
      sandboxId,
      get result() {
        return readLog(path, (log) => withText(result, log));
      },
      events: (options?: FollowOptions) => readKeptEvents(path, options),
      stop: () => Promise.resolve(),
      tty: false,
      write: () => Promise.reject(hasEnded(executionId)),
      closeInput: () => Promise.reject(hasEnded(executionId)),
      resize: () => Promise.reject(hasEnded(executionId)),
    };
  }

  /** True while an execution's events can be read. */
  async hasEvents(executionId: string): Promise<boolean> {
    return this.#history.executions.has(executionId) && exists(this.#logPath(executionId));
  }

  /**
   * What an execution left in /output; readable after cleanup and restart.
   * @throws SandboxError SANDBOX006 (there never was one), SANDBOX007 (it goes on), SANDBOX012 (its output was not kept, or no longer is)
   */
  async outputs(executionId: string): Promise<KeptOutput> {
    const field = 'execution_id';
    if (!this.#history.executions.has(executionId)) {
      throw new SandboxError('SANDBOX006', `There is no execution ${executionId}.`, { field });
    }
    const result = await this.#history.result(executionId);
    if (result === null) throw new SandboxError('SANDBOX007', `Execution ${executionId} has not ended.`, { field });
    if (result.files?.length === 0) return emptyOutput;
    const kept = result.files === null ? null : await this.#outputs.find(executionId);
    if (kept !== null) return kept;
    throw new SandboxError('SANDBOX012', `The output of execution ${executionId} is not kept.`, { field });
  }

  #logPath(executionId: string): string {
    return join(this.#executionsDir, `${executionId}.log`);
  }

  /** The running or last execution of a sandbox, also of one that is gone. Null: none ever ran. */
  async current(sandboxId: string): Promise<Execution | null> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox?.current != null) return sandbox.current;
    const last = this.#known(sandboxId).executionIds.at(-1);
    return last === undefined ? null : this.execution(last);
  }

  #known(sandboxId: string): SandboxRecord {
    const record = this.#history.sandboxes.get(sandboxId);
    if (record === undefined) {
      throw new SandboxError('SANDBOX006', `There is no sandbox ${sandboxId}.`, { field: 'sandbox_id' });
    }
    return record;
  }

  /**
   * What is known of a sandbox's last execution, or of the one named; readable after cleanup and restart.
   * @param options.waitMs waits so long for the end of a run that goes on; `signal` ends the waiting.
   * @throws SandboxError SANDBOX006
   */
  async results(
    sandboxId: string,
    options: { executionId?: string; waitMs?: number; signal?: AbortSignal } = {},
  ): Promise<SandboxResult> {
    const record = this.#known(sandboxId);
    const { executionId, waitMs = 0, signal } = options;
    if (executionId !== undefined && this.#history.executions.get(executionId)?.sandbox !== record) {
      throw new SandboxError('SANDBOX006', `Sandbox ${sandboxId} has no execution ${executionId}.`, {
        field: 'execution_id',
      });
    }
    const sandbox = this.#sandboxes.get(sandboxId);
    const id = executionId ?? record.executionIds.at(-1);
    if (id === undefined) return sandbox?.emptyResult() ?? goneResult(record);
    const running = sandbox?.current?.id === id ? sandbox.current : null;
    if (running !== null && waitMs > 0) await atMost(running.result, waitMs, signal);
    const ended = await this.#history.result(id);
    if (ended !== null) return readLog(this.#logPath(id), (log) => withText(ended, log));
    return (await sandbox?.runningResult()) ?? goneResult(record);
  }

  /** Ends what runs in a sandbox, and keeps the sandbox. False: nothing ran. */
  stop(sandboxId: string): Promise<boolean> {
    return this.sandbox(sandboxId).stop();
  }

  /** Ends what runs and removes the sandbox; its results stay. A sandbox that is gone already is fine. */
  async cleanup(sandboxId: string): Promise<void> {
    this.#known(sandboxId);
    await this.#sandboxes.get(sandboxId)?.cleanup();
  }

  /**
   * Removes every sandbox, running or not.
   * @returns how many, without those that somebody else was removing already.
   * @throws AggregateError when some could not be removed; the others are.
   */
  async cleanupAll(): Promise<number> {
    const all = [...this.#sandboxes.values()];
    const ours = all.filter((sandbox) => !sandbox.isLeaving).length;
    const outcomes = await Promise.allSettled(all.map((sandbox) => sandbox.cleanup()));
    const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    if (failures.length > 0)
      throw new AggregateError(failures, `${String(failures.length)} sandboxes could not be removed.`);
    return ours;
  }

  /** The sandboxes that are here and count against the limit. */
  active(): readonly ActiveSandbox[] {
    return [...this.#sandboxes.values()].map(({ id, solutionId, status, selection, started }) => ({
      sandboxId: id,
      solutionId,
      status,
      provider: selection.provider,
      started,
    }));
  }

  /** Executions, newest first, running ones and those of earlier starts too. `before`: an execution's id, or a time. */
  history(options: { solutionId?: string; limit?: number; before?: string } = {}): readonly HistoryRow[] {
    const { limit = 50, ...rest } = options;
    return this.#history.rows({ limit, ...rest }).map((row) => {
      const live = this.#sandboxes.get(row.sandboxId);
      return row.status === 'running' && live?.status === 'preparing' ? { ...row, status: 'preparing' } : row;
    });
  }

  async #keep(result: StoredResult): Promise<KeptResult> {
    const { executionId, sandboxId } = result;
    try {
      await this.#history.add({ kind: 'end', executionId, at: new Date().toISOString(), result }, { durable: true });
    } catch (error) {
      this.#options.logger.error('A result could not be kept', { executionId, sandboxId, error: sentenceOf(error) });
      const sentence =
        'This result could not be written to the disk of the server: until it can be, a restart forgets it.';
      return { result: { ...result, errors: [...result.errors, sentence] }, recorded: false };
    }
    return { result, recorded: await this.#record(result) };
  }

  async #record(result: StoredResult, level: 'error' | 'debug' = 'error'): Promise<boolean> {
    const { registry, logger } = this.#options;
    const { executionId, solutionId } = result;
    try {
      // Told again at a later start, it has still the time of its end.
      const at = this.#history.executions.get(executionId)?.end?.at ?? new Date().toISOString();
      await registry.recordTestResult(solutionId, testResultOf(result, at));
      return true;
    } catch (error) {
      logger[level]('The registry did not take a test result', { executionId, solutionId, error: sentenceOf(error) });
      this.#untold.add(executionId);
      return false;
    }
  }

  async #tellAgain(executionId: string): Promise<boolean> {
    const { logger } = this.#options;
    try {
      const result = await this.#history.result(executionId);
      if (result === null || !(await this.#record(result, 'debug'))) return false;
      logger.info('The registry has taken a test result after all', { executionId, solutionId: result.solutionId });
      // Else its log is still to be completed, by the next start.
      const isWhole = await readLog(this.#logPath(executionId), (log) => Promise.resolve(log?.ended ?? true));
      if (isWhole) await this.#history.add({ kind: 'settled', executionId });
      return true;
    } catch (error) {
      logger.error('A test result could not be told again', { executionId, error: sentenceOf(error) });
      return false;
    }
  }

  /** Removes every sandbox and gives the data folder back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      clearInterval(this.#reclaimTimer);
      const told = this.#untold.close();
      await Promise.allSettled(this.#opening);
      await this.cleanupAll();
      await atMost(Promise.all([this.#reclaiming, told]), reclaimGraceMs);
      await forgetStart(this.#options.dataDir, this.#instanceId);
    } finally {
      await this.#history.close();
      await this.#unlock();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A sandbox that is gone, and in which nothing was executed. */
function goneResult({ sandboxId, solutionId, provider, failure }: SandboxRecord): SandboxResult {
  return {
    sandboxId,
    solutionId,
    executionId: null,
    status: failure === null ? 'cleaned' : 'failed',
    cause: failure === null ? null : 'not-started',
    exitCode: null,
    signal: null,
    executionTimeMs: null,
    stdout: null,
    stderr: null,
    truncated: false,
    metrics: { provider, wallTimeMs: null, cpuTimeMs: null, memoryPeakBytes: null, prepareTimeMs: null, samples: [] },
    limitsHit: [],
    errors: failure === null ? [] : [failure],
    files: null,
  };
}

async function readLog<T>(path: string, read: (log: EventLog | null) => Promise<T>): Promise<T> {
  if (!(await exists(path))) return read(null);
  const log = await EventLog.read(path);
  try {
    return await read(log);
  } finally {
    await log[Symbol.asyncDispose]();
  }
}

/** Waits for a promise, but no longer than this, nor beyond the abort. */
async function atMost(promise: Promise<unknown>, ms: number, signal?: AbortSignal): Promise<void> {
  const over = new AbortController();
  const timeout = AbortSignal.any([over.signal, AbortSignal.timeout(ms), ...(signal === undefined ? [] : [signal])]);
  const passed = new Promise<void>((resolve) => {
    timeout.addEventListener('abort', () => {
      resolve();
    });
    if (timeout.aborted) resolve();
  });
  await Promise.race([promise, passed]);
  over.abort();
}
