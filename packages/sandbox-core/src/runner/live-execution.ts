import { SandboxError } from '../contract/error.js';
import type { SandboxResult } from '../contract/result.js';
import type { EventLog } from '../execution/index.js';
import { RunProgress } from './execution.js';
import type { Execution, FollowOptions } from './execution.js';
import { readKeptEvents } from './results.js';

/** An execution of a sandbox that is here, with its log: running, or the last one. */
export class LiveExecution implements Execution {
  readonly id: string;
  readonly sandboxId: string;
  readonly log: EventLog;
  readonly abort = new AbortController();
  readonly progress = new RunProgress();
  running = true;
  #readers = 0;
  #retired = false;
  #closed = false;
  #result: Promise<SandboxResult> | null = null;

  constructor(id: string, sandboxId: string, log: EventLog) {
    this.id = id;
    this.sandboxId = sandboxId;
    this.log = log;
  }

  run(result: Promise<SandboxResult>): void {
    this.#result = result;
    result.catch(() => undefined); // told to whoever asks for the result
  }

  get result(): Promise<SandboxResult> {
    if (this.#result === null) throw new Error('the execution has not been started');
    return this.#result;
  }

  async *events(options: FollowOptions = {}): ReturnType<EventLog['events']> {
    this.#readers += 1;
    try {
      if (this.#closed) yield* readKeptEvents(this.log.path, options);
      else yield* this.log.events(options);
    } finally {
      this.#readers -= 1;
      if (this.#retired) await this.retire();
    }
  }

  /** Closes the log of an ended run, once those who read it have read it all. */
  async retire(): Promise<void> {
    this.#retired = true;
    if (this.#readers > 0 || this.#closed) return;
    this.#closed = true;
    await this.log[Symbol.asyncDispose]();
  }

  async stop(): Promise<void> {
    this.abort.abort(new SandboxError('SANDBOX011', 'The run was stopped.'));
    await this.result;
  }
}
