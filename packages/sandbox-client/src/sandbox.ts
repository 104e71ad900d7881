import { Commands, run, start } from './commands.js';
import type { RunOptions, StartOptions } from './commands.js';
import type { Context, Execution, SignalOption } from './execution.js';
import { Files } from './files.js';
import { limitFields, limitsOf } from './limits.js';
import type { LimitOptions, Limits } from './limits.js';
import { Output } from './output.js';
import { Ptys } from './pty.js';
import { resultOf } from './result.js';
import type { CommandResult, Result } from './result.js';

/** A sandbox on the server, until it is removed (or rests for too long). */
export class Sandbox {
  readonly id: string;
  /** Which provider serves, and what that means: limits that were lowered, and the like. */
  readonly provider: string;
  readonly notes: readonly string[];
  readonly commands: Commands;
  readonly files: Files;
  readonly pty: Ptys;
  readonly #context: Context;

  /** @internal */
  constructor(context: Context, { id, provider, notes }: Pick<Sandbox, 'id' | 'provider' | 'notes'>) {
    this.#context = context;
    this.id = id;
    this.provider = provider;
    this.notes = notes;
    this.commands = new Commands(context, id);
    this.files = new Files(context, id);
    this.pty = new Ptys(context, id);
  }

  /** Runs the solution's own command. */
  run(options: RunOptions = {}): Promise<CommandResult> {
    return run(this.#context, this.id, {}, options);
  }

  /** Runs the solution's test command. */
  test(options: RunOptions = {}): Promise<CommandResult> {
    return run(this.#context, this.id, { test: true }, options);
  }

  /** Starts the solution's own command, or its test command, and does not wait for its end. */
  start({ test = false, ...options }: StartOptions & { readonly test?: boolean } = {}): Promise<Execution> {
    return start(this.#context, this.id, test ? { test } : {}, options);
  }

  /** What is known of the last execution, or of the one named; also after the sandbox was removed. */
  async results({ executionId, signal }: SignalOption & { readonly executionId?: string } = {}): Promise<Result> {
    const query = executionId === undefined ? {} : { execution_id: executionId };
    return resultOf(
      await this.#context.http.call('get', '/api/ergon/sandbox/results/{sandbox_id}', { ...this.#path, query, signal }),
    );
  }

  /** What the last execution, or the one named, left in /output: kept with its result. */
  output(executionId?: string): Output {
    return new Output(this.#context, this.id, executionId);
  }

  /**
   * Changes limits, of what runs and of what is run later. What is not named stays; all that is named is changed, or nothing. What its provider can change is
   * its capability `adjustable`; `outputLimit`, and `timeout` while nothing runs, can be changed always.
   * @returns those in force
   * @throws SandboxApiError SANDBOX006, SANDBOX008 (also a memory limit below what is in use), SANDBOX009, SANDBOX011
   */
  async setLimits({ signal, ...limits }: SignalOption & LimitOptions): Promise<Limits> {
    const call = { ...this.#path, body: limitFields(limits), signal };
    const { limits: wire, notes } = await this.#context.http.call('patch', '/api/ergon/sandbox/{sandbox_id}', call);
    return limitsOf(wire, notes);
  }

  /** Ends what runs, and keeps the sandbox. @returns whether anything ran */
  async stop({ signal }: SignalOption = {}): Promise<boolean> {
    const path = '/api/ergon/sandbox/{sandbox_id}/stop';
    return (await this.#context.http.call('post', path, { ...this.#path, signal })).stopped;
  }

  /** Stops and removes it; its results stay. */
  async remove({ signal }: SignalOption = {}): Promise<void> {
    await this.#context.http.call('delete', '/api/ergon/sandbox/{sandbox_id}', { ...this.#path, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }

  get #path(): { readonly path: { readonly sandbox_id: string } } {
    return { path: { sandbox_id: this.id } };
  }
}
