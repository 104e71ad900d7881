import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { requireCeiling } from '../config/limits.js';
import { parseInput } from '../config/parse.js';
import { requestSchema } from '../config/request.js';
import type { SandboxRequest } from '../config/request.js';
import { SandboxError } from '../contract/error.js';
import { silentLogger } from '../contract/logger.js';
import type { Logger } from '../contract/logger.js';
import type { SandboxResult } from '../contract/result.js';
import type { SolutionRegistry } from '../contract/solution.js';
import type { SandboxStatus } from '../contract/status.js';
import type { SandboxFactory } from '../factory/factory.js';
import { parseSolution } from '../solution/content.js';
import type { Solution } from '../solution/content.js';
import { SolutionFiles } from '../solution/materialise.js';
import type { Execution } from './execution.js';
import { configureSandbox } from './configure.js';
import type { Configured } from './configure.js';
import type { Ceiling } from './configure.js';
import { lockDataFolder } from './data-lock.js';
import { History } from './history.js';
import type { HistoryRow, SandboxRecord } from './history.js';
import { newInstanceId } from './instance.js';
import { Outputs } from './outputs.js';
import type { KeptOutput } from './outputs.js';
import { PastExecutions } from './past-executions.js';
import { Reclaimer } from './reclaimer.js';
import { endCutOffRuns, forgetStart, nameStart, noteProvider } from './recovery.js';
import { Sandbox } from './sandbox.js';
import type { ExecuteRequest } from './execute-request.js';
import { VolumeStore } from './volume-store.js';
import type { StoredVolume } from './volume-store.js';

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
  /** False: solutions that ask for volumes are refused, since none would be found again. @default true */
  readonly keepsVolumes?: boolean;
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
const lastLookMs = 2000;
const solutionsUnusedMs = 7 * 24 * 3600 * 1000;

const executionsBelow = (dataDir: string): string => join(dataDir, 'executions');

interface RunnerParts {
  readonly instanceId: string;
  readonly history: History;
  readonly files: SolutionFiles;
  readonly outputs: Outputs;
  readonly past: PastExecutions;
  readonly reclaimer: Reclaimer;
  readonly volumes: VolumeStore;
  /** Gives the data folder back. */
  readonly unlock: () => Promise<void>;
}

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
  readonly #parts: RunnerParts;
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

  private constructor(options: Required<RunnerOptions>, parts: RunnerParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /**
   * Takes the data folder, removes what a dead start left on it, ends what it was running in the history.
   * @throws SandboxError SANDBOX001 when another runner has the folder, SANDBOX008 for an option that is missing, or a ceiling below what can be kept.
   */
  static async start(options: RunnerOptions): Promise<SandboxRunner> {
    for (const name of ['dataDir', 'registry', 'factory'] as const) {
      // Types tell callers who write in TypeScript.
      if ((options as Partial<RunnerOptions>)[name] !== undefined) continue;
      throw new SandboxError('SANDBOX008', `${name}: is missing; a runner needs one.`, { field: name });
    }
    const full: Required<RunnerOptions> = {
      logger: silentLogger,
      maxConcurrent: 10,
      idleMs: 30 * 60_000,
      killGraceMs: 1000,
      ceiling: {},
      reclaimEveryMs: 60_000,
      tellAgainMs: 10_000,
      ownerId: 'local',
      keepsVolumes: true,
      ...options,
      dataDir: resolve(options.dataDir),
    };
    const { dataDir, factory, logger } = full;
    requireCeiling(full.ceiling, 'ceiling');
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    const executionsDir = executionsBelow(dataDir);
    await mkdir(executionsDir, { recursive: true, mode: 0o700 });
    const instanceId = newInstanceId();
    const unlock = await lockDataFolder(dataDir, instanceId);
    const undo = [unlock];
    try {
      // Named before anything of this start is made, so that the next start finds it.
      await nameStart(dataDir, instanceId);
      const reclaimer = new Reclaimer({ dataDir, instanceId, factory, logger, everyMs: full.reclaimEveryMs });
      await reclaimer.reclaimOwn();
      const files = new SolutionFiles(join(dataDir, 'solutions'));
      await files.sweep(solutionsUnusedMs);
      const history = await History.open(join(dataDir, 'history.jsonl'));
      undo.unshift(() => history.close());
      const outputs = await Outputs.open(join(dataDir, 'outputs'));
      await outputs.sweep((executionId) => history.executions.get(executionId)?.end != null);
      const { registry, tellAgainMs } = full;
      const past = new PastExecutions({ history, outputs, executionsDir, registry, logger, tellAgainMs });
      undo.unshift(() => past.close());
      await endCutOffRuns(history, executionsDir, (result) => past.record(result), logger);
      const volumes = await VolumeStore.open(join(dataDir, 'volumes'), { factory, ownerId: full.ownerId });
      reclaimer.start();
      return new SandboxRunner(full, { instanceId, history, files, outputs, past, reclaimer, volumes, unlock });
    } catch (error) {
      for (const each of undo) await each();
      throw error;
    }
  }

  get instanceId(): string {
    return this.#parts.instanceId;
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
    const { config, asked, ceiling, notes } = configureSandbox(solution, parsed, {
      sandboxId: randomUUID(),
      instanceId: this.#parts.instanceId,
      ownerId: this.#options.ownerId,
      ceiling: this.#options.ceiling,
      storeId: this.#options.keepsVolumes ? this.#parts.volumes.storeId : null,
    });
    const chosen = await this.#options.factory.choose({
      config,
      requested: parsed.provider,
      strict: parsed.strict ?? false,
      asked,
    });
    const release = this.#admit();
    const opening = this.#open(solution, { ...chosen, ceiling, notes }, parsed.run === true, release).finally(release);
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
      ceiling,
      notes,
    }: Awaited<ReturnType<SandboxFactory['choose']>> & Pick<Configured, 'ceiling' | 'notes'>,
    run: boolean,
    release: () => void,
  ): Promise<Sandbox> {
    if (!this.#used.has(provider.name)) {
      await noteProvider(this.#options.dataDir, this.#parts.instanceId, provider.name);
      this.#used.add(provider.name);
    }
    if (config.volumes !== undefined) await this.#parts.volumes.note(provider.name);
    await this.#parts.history.add({
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
      ceiling,
      config,
      selection: { ...selection, notes: [...notes, ...selection.notes] },
      solution,
      materialise: () => this.#parts.files.materialise(solution.files),
      history: this.#parts.history,
      executionsDir: executionsBelow(this.#options.dataDir),
      outputs: this.#parts.outputs,
      killGraceMs: this.#options.killGraceMs,
      idleMs: this.#options.idleMs,
      logger: this.#options.logger,
      known: (executionId) => this.#knownExecution(executionId, config.sandboxId),
      claim: (executionId) => this.#claim(executionId, config.sandboxId),
      keep: (result) => this.#parts.past.keep(result),
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

  /** The sandbox of an execution that is there or being started. */
  #ownerOf(executionId: string): string | undefined {
    return this.#parts.history.executions.get(executionId)?.sandbox.sandboxId ?? this.#claims.get(executionId);
  }

  #knownExecution(executionId: string, sandboxId: string): Promise<Execution> | null {
    const owner = this.#ownerOf(executionId);
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
      this.#parts.history.sandboxes.has(sandboxId)
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
    const sandboxId = this.#ownerOf(executionId);
    const live = sandboxId === undefined ? undefined : this.#sandboxes.get(sandboxId)?.find(executionId);
    if (live != null) return live; // being started, running, or the last one
    const past = await this.#parts.past.find(executionId);
    if (past === null)
      throw new SandboxError('SANDBOX006', `There is no execution ${executionId}.`, { field: 'execution_id' });
    return past;
  }

  /** True while an execution's events can be read. */
  hasEvents(executionId: string): Promise<boolean> {
    return this.#parts.past.hasEvents(executionId);
  }

  /**
   * What an execution left in /output; readable after cleanup and restart.
   * @throws SandboxError SANDBOX006 (there never was one), SANDBOX007 (it goes on), SANDBOX012 (its output was not kept, or no longer is)
   */
  outputs(executionId: string): Promise<KeptOutput> {
    return this.#parts.past.output(executionId);
  }

  /** The running or last execution of a sandbox, also of one that is gone. Null: none ever ran. */
  async current(sandboxId: string): Promise<Execution | null> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (sandbox?.current != null) return sandbox.current;
    const last = this.#known(sandboxId).executionIds.at(-1);
    return last === undefined ? null : this.execution(last);
  }

  #known(sandboxId: string): SandboxRecord {
    const record = this.#parts.history.sandboxes.get(sandboxId);
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
    if (executionId !== undefined && this.#parts.history.executions.get(executionId)?.sandbox !== record) {
      throw new SandboxError('SANDBOX006', `Sandbox ${sandboxId} has no execution ${executionId}.`, {
        field: 'execution_id',
      });
    }
    const sandbox = this.#sandboxes.get(sandboxId);
    const id = executionId ?? record.executionIds.at(-1);
    if (id === undefined) return sandbox?.emptyResult() ?? goneResult(record);
    const running = sandbox?.current?.id === id ? sandbox.current : null;
    if (running !== null && waitMs > 0) await atMost(running.result, waitMs, signal);
    const past = await this.#parts.past.find(id);
    if (past !== null) return past.result;
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
    return this.#parts.history.rows({ limit, ...rest }).map((row) => {
      const live = this.#sandboxes.get(row.sandboxId);
      return row.status === 'running' && live?.status === 'preparing' ? { ...row, status: 'preparing' } : row;
    });
  }

  /**
   * The volumes that solutions have, by solution and name, with their sizes as they are now.
   * @param options.solutionId of this one alone; it need not be in the registry any more
   * @throws SandboxError SANDBOX001 when a provider that keeps some can't be asked
   */
  volumes(options: { solutionId?: string; signal?: AbortSignal } = {}): Promise<readonly StoredVolume[]> {
    return this.#parts.volumes.list(options);
  }

  /**
   * Removes a volume with all that it holds.
   * @throws SandboxError SANDBOX012 (there is none), SANDBOX007 (a sandbox has it), SANDBOX001 (its provider can't be asked)
   */
  removeVolume(solutionId: string, name: string): Promise<void> {
    return this.#parts.volumes.remove(solutionId, name);
  }

  /** Removes every sandbox and gives the data folder back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      const done = Promise.all([this.#parts.reclaimer.close(), this.#parts.past.close()]);
      await Promise.allSettled(this.#opening);
      await this.cleanupAll();
      await atMost(done, lastLookMs);
      await forgetStart(this.#options.dataDir, this.#parts.instanceId);
    } finally {
      await this.#parts.history.close();
      await this.#parts.unlock();
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
