import { SandboxError } from '../contract/error.js';
import type { SandboxResult } from '../contract/result.js';
import type { EventLog } from '../execution/index.js';
import type { TtySize } from '../contract/provider.js';
import { RunProgress } from './execution.js';
import type { Execution, FollowOptions } from './execution.js';
import type { InputChannel, ResizeChannel } from './interaction.js';
import { readKeptEvents } from './results.js';
import { RunTimeout } from './run-timeout.js';

/** An execution of a sandbox that is here, with its log: running, or the last one. */
export class LiveExecution implements Execution {
  readonly id: string;
  readonly sandboxId: string;
  readonly log: EventLog;
  readonly abort = new AbortController();
  readonly progress = new RunProgress();
  readonly timeout: RunTimeout;
  running = true;
  #readers = 0;
  #retired = false;
  #closed = false;
  #result: Promise<SandboxResult> | null = null;

  readonly #input: InputChannel | null;
  readonly #resizes: ResizeChannel | null;

  constructor(
    id: string,
    sandboxId: string,
    log: EventLog,
    { input, resizes }: { readonly input: InputChannel | null; readonly resizes: ResizeChannel | null },
    timeoutMs: number,
  ) {
    this.timeout = new RunTimeout(timeoutMs);
    this.#input = input;
    this.#resizes = resizes;
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

  /** Its processes are not known to be gone. */
  get goesOn(): boolean {
    return this.running && this.progress.endedAt === null;
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

  get tty(): boolean {
    return this.#resizes !== null;
  }

  async write(data: Uint8Array): Promise<void> {
    this.#requireRunning();
    if (this.#input === null) throw noInput();
    await this.#input.write(data);
  }

  async closeInput(): Promise<void> {
    if (this.#input === null) throw noInput();
    this.#input.close();
  }

  async resize(size: TtySize): Promise<void> {
    this.#requireRunning();
    if (this.#resizes === null) {
      throw new SandboxError('SANDBOX008', 'resize: this command has no terminal; start one with tty.');
    }
    this.#resizes.resize(size);
  }

  #requireRunning(): void {
    if (!this.running) throw hasEnded(this.id);
  }
}

function noInput(): SandboxError {
  return new SandboxError('SANDBOX008', 'stdin: this command was started without one; ask for it when starting.');
}

export function hasEnded(executionId: string): SandboxError {
  return new SandboxError('SANDBOX008', `Execution ${executionId} has ended.`, { field: 'execution_id' });
}
