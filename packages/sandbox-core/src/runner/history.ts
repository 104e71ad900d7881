import { SandboxError } from '../contract/error.js';
import type { TestResultRecord } from '../contract/solution.js';
import type { SandboxStatus } from '../contract/status.js';
import { Journal } from './journal.js';
import type { JournalEntry, JournalPlace, StoredResult } from './journal.js';

/** A sandbox that is or was. */
export interface SandboxRecord {
  readonly sandboxId: string;
  readonly solutionId: string;
  readonly ownerId: string;
  readonly provider: string;
  readonly opened: string;
  /** Why its preparation failed. */
  failure: string | null;
  gone: boolean;
  readonly executionIds: string[];
}

/** An execution, running or ended. */
export interface ExecutionRecord {
  readonly executionId: string;
  readonly sandbox: SandboxRecord;
  readonly started: string;
  end: {
    /** ISO 8601, UTC. */
    readonly at: string;
    readonly status: SandboxStatus;
    readonly exitCode: number | null;
    readonly executionTimeMs: number | null;
    /** Where the journal has its result; or the result itself, while the journal can't be written. */
    readonly place: JournalPlace | StoredResult;
  } | null;
  settled: boolean;
}

/** A row of the history, newest first. */
export interface HistoryRow {
  readonly executionId: string;
  readonly sandboxId: string;
  readonly solutionId: string;
  readonly provider: string;
  /** ISO 8601, UTC. */
  readonly started: string;
  readonly status: SandboxStatus;
  readonly exitCode: number | null;
  readonly executionTimeMs: number | null;
}

/** All sandboxes and executions that ever were, in memory by id, with their results in the journal. */
export class History {
  readonly #journal: Journal;
  readonly sandboxes: Map<string, SandboxRecord>;
  readonly executions: Map<string, ExecutionRecord>;
  readonly #unwritten = new Map<string, JournalEntry>();

  private constructor(
    journal: Journal,
    sandboxes: Map<string, SandboxRecord>,
    executions: Map<string, ExecutionRecord>,
  ) {
    this.#journal = journal;
    this.sandboxes = sandboxes;
    this.executions = executions;
  }

  static async open(path: string): Promise<History> {
    const sandboxes = new Map<string, SandboxRecord>();
    const executions = new Map<string, ExecutionRecord>();
    const journal = await Journal.open(path, (entry, place) => {
      remember(sandboxes, executions, entry, place);
    });
    return new History(journal, sandboxes, executions);
  }

  /** @throws SandboxError SANDBOX004 when the disk is full; an end is then remembered all the same, and written when that is possible. */
  async add(entry: JournalEntry, options: { durable?: boolean } = {}): Promise<void> {
    try {
      for (const [id, unwritten] of [...this.#unwritten]) {
        remember(this.sandboxes, this.executions, unwritten, await this.#journal.append(unwritten, { durable: true }));
        this.#unwritten.delete(id);
      }
      remember(this.sandboxes, this.executions, entry, await this.#journal.append(entry, options));
    } catch (error) {
      if (entry.kind === 'end') {
        this.#unwritten.set(entry.executionId, entry);
        remember(this.sandboxes, this.executions, entry, entry.result);
      }
      throw error;
    }
  }

  /** The kept result. Null: it has not ended. */
  async result(executionId: string): Promise<StoredResult | null> {
    const end = this.executions.get(executionId)?.end;
    if (end == null) return null;
    if (!('offset' in end.place)) return end.place;
    const entry = await this.#journal.read(end.place);
    if (entry.kind !== 'end') throw new Error(`the journal has no end of ${executionId} where it should`);
    return entry.result;
  }

  /** Newest first. `before`: an execution's id, or a time (ISO 8601). */
  rows(options: { solutionId?: string; limit: number; before?: string }): HistoryRow[] {
    const { solutionId, limit, before } = options;
    const rows: HistoryRow[] = [];
    const all = [...this.executions.values()].reverse();
    const cursor = before === undefined ? undefined : this.executions.get(before);
    if (cursor === undefined && before !== undefined && Number.isNaN(Date.parse(before))) {
      throw new SandboxError(
        'SANDBOX008',
        'before: must be the id of an execution that is known here, or a time (ISO 8601).',
        {
          field: 'before',
        },
      );
    }
    const from = cursor === undefined ? 0 : all.indexOf(cursor) + 1;
    for (const { executionId, sandbox, started, end } of all.slice(from)) {
      if (rows.length === limit) break;
      if (solutionId !== undefined && sandbox.solutionId !== solutionId) continue;
      if (cursor === undefined && before !== undefined && Date.parse(started) >= Date.parse(before)) continue;
      rows.push({
        executionId,
        sandboxId: sandbox.sandboxId,
        solutionId: sandbox.solutionId,
        provider: sandbox.provider,
        started,
        status: end?.status ?? 'running',
        exitCode: end?.exitCode ?? null,
        executionTimeMs: end?.executionTimeMs ?? null,
      });
    }
    return rows;
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}

function remember(
  sandboxes: Map<string, SandboxRecord>,
  executions: Map<string, ExecutionRecord>,
  entry: JournalEntry,
  place: JournalPlace | StoredResult,
): void {
  switch (entry.kind) {
    case 'sandbox': {
      const { sandboxId, solutionId, ownerId, provider, at } = entry;
      const record = {
        sandboxId,
        solutionId,
        ownerId,
        provider,
        opened: at,
        failure: null,
        gone: false,
        executionIds: [],
      };
      sandboxes.set(sandboxId, record);
      return;
    }
    case 'failed': {
      const sandbox = sandboxes.get(entry.sandboxId);
      if (sandbox !== undefined) sandbox.failure = entry.failure;
      return;
    }
    case 'gone': {
      const sandbox = sandboxes.get(entry.sandboxId);
      if (sandbox !== undefined) sandbox.gone = true;
      return;
    }
    case 'start': {
      const sandbox = sandboxes.get(entry.sandboxId);
      if (sandbox === undefined) return;
      sandbox.executionIds.push(entry.executionId);
      const { executionId, at } = entry;
      executions.set(executionId, { executionId, sandbox, started: at, end: null, settled: false });
      return;
    }
    case 'end': {
      const execution = executions.get(entry.executionId);
      const { status, exitCode, executionTimeMs } = entry.result;
      if (execution !== undefined) execution.end = { at: entry.at, status, exitCode, executionTimeMs, place };
      return;
    }
    case 'settled': {
      const execution = executions.get(entry.executionId);
      if (execution !== undefined) execution.settled = true;
    }
  }
}

/** What the registry is told of a result. */
export function testResultOf(result: StoredResult, timestamp: string): TestResultRecord {
  const { executionId, status, exitCode, executionTimeMs, errors, metrics } = result;
  return { executionId, timestamp, status, exitCode, executionTimeMs, provider: metrics.provider, errors };
}
