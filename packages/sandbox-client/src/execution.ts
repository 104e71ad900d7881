import { SandboxApiError, SandboxCommandError } from './errors.js';
import type { SandboxEvent } from './events/event.js';
import { follow } from './events/follow.js';
import type { FollowOptions } from './events/follow.js';
import type { Http } from './http.js';
import { endOf } from './result.js';
import type { CommandResult } from './result.js';
import type { Reconnect } from './retry.js';
import type { Channel } from './socket/channel.js';
import { Wire } from './wire/wire.js';

/** What all parts of a client share. */
export interface Context {
  readonly http: Http;
  readonly reconnect: Reconnect;
}

export interface WaitOptions {
  /** Fail with a SandboxCommandError where the exit code is not 0. @default false */
  readonly check?: boolean;
  /** Ends the waiting, not the command. */
  readonly signal?: AbortSignal;
}

export interface SignalOption {
  readonly signal?: AbortSignal;
}

const basePath = '/api/ergon/sandbox';
/** Longer than the server takes for its words at the end of a wait. */
const longestWaitSeconds = 15;

/** A command that was started: it goes on whether or not anybody looks. */
export class Execution {
  readonly executionId: string;
  readonly sandboxId: string;
  /** The program's input, where it was started with `stdin: true`. */
  readonly stdin: Stdin;
  readonly #context: Context;

  /** @internal */
  constructor(context: Context, sandboxId: string, executionId: string, channel: Channel | null = null) {
    this.#context = context;
    this.sandboxId = sandboxId;
    this.executionId = executionId;
    this.stdin = new Stdin(channel);
  }

  /** All of its events, each once and in order, however often the connection breaks. May be called by many readers, at any time. */
  events(options: FollowOptions = {}): AsyncGenerator<SandboxEvent, void, undefined> {
    return follow(this.#context.http, this.#context.reconnect, this.executionId, options);
  }

  /** Resolves when it has ended, and nothing of it runs any more. @throws SandboxCommandError (`check`) */
  async wait({ check = false, signal }: WaitOptions = {}): Promise<CommandResult> {
    const { silenceMs } = this.#context.reconnect;
    const wait = Math.min(longestWaitSeconds, silenceMs / 2000);
    for (;;) {
      const result = await this.#result(wait, signal);
      if (result === null) continue;
      if (check && result.exitCode !== 0) throw new SandboxCommandError(result);
      return result;
    }
  }

  /** Stops it; resolves when it has ended, at once if it had. */
  async stop({ signal }: SignalOption = {}): Promise<void> {
    if ((await this.#result(0, signal)) !== null) return;
    await this.#context.http.call('post', `${basePath}/{sandbox_id}/stop`, {
      path: { sandbox_id: this.sandboxId },
      signal,
    });
  }

  async #result(wait: number, signal: AbortSignal | undefined): Promise<CommandResult | null> {
    const result = await new Wire(this.#context).persistentCall('get', `${basePath}/results/{sandbox_id}`, {
      path: { sandbox_id: this.sandboxId },
      query: { execution_id: this.executionId, wait },
      signal,
    });
    return endOf(result, this.executionId);
  }
}

/** What a program reads. */
export class Stdin {
  readonly #channel: Channel | null;

  /** @internal */
  constructor(channel: Channel | null) {
    this.#channel = channel;
  }

  /**
   * Resolves when there is room for more.
   * @throws SandboxConnectionError when the connection broke after something was written: what of it arrived is not known
   */
  async write(data: string | Uint8Array): Promise<void> {
    await this.#open().write(data);
  }

  /** Tells the program that nothing more will come. */
  async close(): Promise<void> {
    await this.#open().act({ action: 'stdin_close' });
  }

  #open(): Channel {
    if (this.#channel !== null) return this.#channel;
    throw new SandboxApiError('stdin is closed: start the command with "stdin: true".', {
      code: 'SANDBOX008',
      field: 'stdin',
    });
  }
}
