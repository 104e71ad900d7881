import { follow } from './events/follow.js';
import { Execution } from './execution.js';
import type { Context, SignalOption, WaitOptions } from './execution.js';
import { newExecutionId } from './ids.js';
import type { CommandResult } from './result.js';
import { persist, persistWatched } from './retry.js';
import { Channel } from './socket/channel.js';

/** Its arguments; a text is given to the sandbox's `sh -c`. */
export type Command = string | readonly string[];

export interface RunOptions extends WaitOptions {
  /** Called with each whole line, without its end. */
  readonly onStdout?: (line: string) => void;
  readonly onStderr?: (line: string) => void;
  /** Given whole; without it, the input is empty. */
  readonly stdin?: string;
  /** Seconds, after which the command is stopped. The sandbox's own timeout holds too. */
  readonly timeout?: number;
  /** Stops the command, and fails with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface StartOptions extends SignalOption {
  /** A text is given whole; true: open, for `stdin.write` and `stdin.close`. */
  readonly stdin?: string | true;
}

/** What is run: a command, or one of the solution's own. */
export interface What {
  readonly command?: readonly string[];
  readonly test?: true;
}

/** Commands of one sandbox, one at a time. */
export class Commands {
  readonly #context: Context;
  readonly #sandboxId: string;

  /** @internal */
  constructor(context: Context, sandboxId: string) {
    this.#context = context;
    this.#sandboxId = sandboxId;
  }

  /**
   * Runs a command to its end.
   * @throws SandboxApiError SANDBOX006, 007 (one runs already), 008; SandboxConnectionError; SandboxCommandError (with `check`)
   */
  run(command: Command, options: RunOptions = {}): Promise<CommandResult> {
    return run(this.#context, this.#sandboxId, { command: argvOf(command) }, options);
  }

  /** Starts a command, and does not wait for its end. @throws as `run` does */
  start(command: Command, options: StartOptions = {}): Promise<Execution> {
    return start(this.#context, this.#sandboxId, { command: argvOf(command) }, options);
  }

  /** An execution of this sandbox that was started before, by its id. */
  connect(executionId: string): Execution {
    return new Execution(this.#context, this.#sandboxId, executionId);
  }
}

export function argvOf(command: Command): string[] {
  return typeof command === 'string' ? ['sh', '-c', command] : [...command];
}

export async function start(
  context: Context,
  sandboxId: string,
  { command, test }: What,
  { stdin, signal }: StartOptions,
  executionId = newExecutionId(),
): Promise<Execution> {
  const what = { ...(command !== undefined && { command: [...command] }), ...(test !== undefined && { test }) };
  if (stdin === true) {
    const channel = await Channel.open(context, {
      sandboxId,
      executionId,
      execute: { ...what, stdin: true },
      inputSurvivesBreaks: false,
      onEvent: () => undefined, // read over HTTP, at the reader's pace
      signal,
    });
    return new Execution(context, sandboxId, executionId, channel);
  }
  const body = JSON.stringify({
    sandbox_id: sandboxId,
    execution_id: executionId,
    ...what,
    ...(stdin !== undefined && { stdin }),
  });
  const callUntilTaken = stdin === undefined ? persistWatched : persist; // an input may be long on its way
  // Sent again under the same id it starts no second one.
  await callUntilTaken(context.reconnect, signal, async (signal) => {
    const headers = { 'Content-Type': 'application/json' };
    const response = await context.http.send('POST', '/api/ergon/sandbox/execute', { body, headers, signal });
    await response.body?.cancel(); // its log has more than this stream, and can be read again
  });
  return new Execution(context, sandboxId, executionId);
}

export async function run(
  context: Context,
  sandboxId: string,
  what: What,
  { onStdout, onStderr, stdin, timeout, check, signal }: RunOptions,
): Promise<CommandResult> {
  const inner = new AbortController();
  const leave = (): void => inner.abort(signal?.reason);
  if (signal?.aborted === true) throw signal.reason;
  signal?.addEventListener('abort', leave, { once: true });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let timedOut = false;
  const execution = new Execution(context, sandboxId, newExecutionId());
  try {
    const given = { signal: inner.signal, ...(stdin !== undefined && { stdin }) };
    await start(context, sandboxId, what, given, execution.executionId);
    if (timeout !== undefined) {
      timer = setTimeout(() => {
        timedOut = true;
        execution.stop().catch((error: unknown) => inner.abort(error));
      }, timeout * 1000);
    }
    const watched =
      onStdout === undefined && onStderr === undefined
        ? undefined
        : watch(context, execution.executionId, { onStdout, onStderr }, inner.signal);
    const [result] = await Promise.all([
      execution.wait({ signal: inner.signal, ...(check !== undefined && { check }) }),
      watched,
    ]);
    // It may have ended by itself at the same moment.
    return timedOut && result.cause === 'stopped' ? { ...result, timedOut } : result;
  } catch (error) {
    // Nobody looks any more: what cannot be reached now, the sandbox's own timeout will end.
    if (!isCommandEnd(error)) await execution.stop({ signal: AbortSignal.timeout(stopMs) }).catch(() => undefined);
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', leave);
    inner.abort();
  }
}

const stopMs = 5000;

function isCommandEnd(error: unknown): boolean {
  return error instanceof Error && error.name === 'SandboxCommandError';
}

async function watch(
  { http, reconnect }: Context,
  executionId: string,
  {
    onStdout,
    onStderr,
  }: { onStdout: RunOptions['onStdout'] | undefined; onStderr: RunOptions['onStderr'] | undefined },
  signal: AbortSignal,
): Promise<void> {
  for await (const event of follow(http, reconnect, executionId, { signal })) {
    if (event.type === 'stdout') onStdout?.(event.line);
    else if (event.type === 'stderr') onStderr?.(event.line);
  }
}
