import { join } from 'node:path';
import { isSandboxError, SandboxError, sentenceOf } from '../contract/error.js';
import type { Logger } from '../contract/logger.js';
import type { SandboxResult } from '../contract/result.js';
import type { SolutionRegistry } from '../contract/solution.js';
import { EventLog } from '../execution/index.js';
import { exists } from '../exists.js';
import type { Execution, FollowOptions } from './execution.js';
import { testResultOf } from './history.js';
import type { History } from './history.js';
import type { KeptResult, StoredResult } from './journal.js';
import { hasEnded } from './live-execution.js';
import { emptyOutput } from './outputs.js';
import type { KeptOutput, Outputs } from './outputs.js';
import { readKeptEvents, withText } from './results.js';
import { UntoldResults } from './untold.js';

export interface PastExecutionsPorts {
  readonly history: History;
  readonly outputs: Outputs;
  readonly executionsDir: string;
  readonly registry: SolutionRegistry;
  readonly logger: Logger;
  /** Before a result that the registry did not take is told again, in ms. */
  readonly tellAgainMs: number;
}

/** What is kept of executions that ended: results in the history and with the registry, logs, output. */
export class PastExecutions {
  readonly #ports: PastExecutionsPorts;
  readonly #untold: UntoldResults;

  constructor(ports: PastExecutionsPorts) {
    this.#ports = ports;
    this.#untold = new UntoldResults({ firstMs: ports.tellAgainMs, tell: (id) => this.#tellAgain(id) });
  }

  /** Keeps a result, and tells the registry of it; does not throw. */
  async keep(result: StoredResult): Promise<KeptResult> {
    const { history, logger } = this.#ports;
    const { executionId, sandboxId } = result;
    try {
      await history.add({ kind: 'end', executionId, at: new Date().toISOString(), result }, { durable: true });
    } catch (error) {
      logger.error('A result could not be kept', { executionId, sandboxId, error: sentenceOf(error) });
      const sentence =
        'This result could not be written to the disk of the server: until it can be, a restart forgets it.';
      return { result: { ...result, errors: [...result.errors, sentence] }, recorded: false };
    }
    return { result, recorded: await this.record(result) };
  }

  /** Tells the registry of a result. False: it did not take it, and is told again later. True also where it refuses it for good. */
  async record(result: StoredResult, again = false): Promise<boolean> {
    const { history, registry, logger } = this.#ports;
    const { executionId, solutionId } = result;
    const ids = { executionId, solutionId };
    try {
      // Told again at a later start, it has still the time of its end.
      const at = history.executions.get(executionId)?.end?.at ?? new Date().toISOString();
      await registry.recordTestResult(solutionId, testResultOf(result, at));
      if (again) logger.info('The registry has taken a test result after all', ids);
      return true;
    } catch (error) {
      const why = { ...ids, error: sentenceOf(error) };
      if (isSandboxError(error) && error.code === 'SANDBOX008') {
        logger.warn('The registry refuses a test result, which it is not told again', why);
        return true;
      }
      logger[again ? 'debug' : 'error']('The registry did not take a test result', why);
      this.#untold.add(executionId);
      return false;
    }
  }

  async #tellAgain(executionId: string): Promise<boolean> {
    const { history, logger } = this.#ports;
    try {
      const result = await history.result(executionId);
      if (result === null || !(await this.record(result, true))) return false;
      // Else its log is still to be completed, by the next start.
      const isWhole = await this.#readLog(executionId, (log) => Promise.resolve(log?.ended ?? true));
      if (isWhole) await history.add({ kind: 'settled', executionId });
      return true;
    } catch (error) {
      logger.error('A test result could not be told again', { executionId, error: sentenceOf(error) });
      return false;
    }
  }

  /** Null: it has not ended, or never was. */
  async find(executionId: string): Promise<Execution | null> {
    const sandboxId = this.#ports.history.executions.get(executionId)?.sandbox.sandboxId;
    if (sandboxId === undefined) return null;
    const stored = await this.#ports.history.result(executionId);
    if (stored === null) return null;
    const path = this.#logPath(executionId);
    const readResult = (): Promise<SandboxResult> => this.#readLog(executionId, (log) => withText(stored, log));
    return {
      id: executionId,
      sandboxId,
      get result() {
        return readResult();
      },
      events: (options?: FollowOptions) => readKeptEvents(path, options),
      stop: () => Promise.resolve(),
      tty: false,
      running: false,
      write: () => Promise.reject(hasEnded(executionId)),
      closeInput: () => Promise.reject(hasEnded(executionId)),
      resize: () => Promise.reject(hasEnded(executionId)),
    };
  }

  /** True while an execution's events can be read. */
  async hasEvents(executionId: string): Promise<boolean> {
    return this.#ports.history.executions.has(executionId) && exists(this.#logPath(executionId));
  }

  /**
   * What an execution left in /output.
   * @throws SandboxError SANDBOX006 (there never was one), SANDBOX007 (it goes on), SANDBOX012 (its output was not kept, or no longer is)
   */
  async output(executionId: string): Promise<KeptOutput> {
    const { history, outputs } = this.#ports;
    const field = 'execution_id';
    if (!history.executions.has(executionId)) {
      throw new SandboxError('SANDBOX006', `There is no execution ${executionId}.`, { field });
    }
    const result = await history.result(executionId);
    if (result === null) throw new SandboxError('SANDBOX007', `Execution ${executionId} has not ended.`, { field });
    if (result.files?.length === 0) return emptyOutput;
    const kept = result.files === null ? null : await outputs.find(executionId);
    if (kept !== null) return kept;
    throw new SandboxError('SANDBOX012', `The output of execution ${executionId} is not kept.`, { field });
  }

  #logPath(executionId: string): string {
    return join(this.#ports.executionsDir, `${executionId}.log`);
  }

  async #readLog<T>(executionId: string, read: (log: EventLog | null) => Promise<T>): Promise<T> {
    const path = this.#logPath(executionId);
    if (!(await exists(path))) return read(null);
    const log = await EventLog.read(path);
    try {
      return await read(log);
    } finally {
      await log[Symbol.asyncDispose]();
    }
  }

  /** Tells the registry nothing more; the next start does. */
  close(): Promise<void> {
    return this.#untold.close();
  }
}
