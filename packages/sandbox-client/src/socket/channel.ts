// Which of the two it is, the package's "imports" say.
// eslint-disable-next-line @nx/enforce-module-boundaries
import { needsTicket, openSocket } from '#socket';
import { SandboxApiError, SandboxConnectionError, unexpected } from '../errors.js';
import { parseEvent } from '../events/event.js';
import type { WireEvent } from '../events/event.js';
import type { Context } from '../execution.js';
import { Attempts, sleep, Watch } from '../retry.js';
import type { components } from '../wire/openapi.js';
import { isObject, isRefusal, isStart } from '../wire/shapes.js';
import type { Refusal } from '../wire/shapes.js';
import type { Socket } from './socket.js';

type Action = components['schemas']['Action'];
type Execute = Partial<Extract<Action, { action: 'execute' }>>;

export interface ChannelOptions {
  readonly sandboxId: string;
  readonly executionId: string;
  /** What starts it. */
  readonly execute: Execute;
  /** What is typed into a terminal may go on after a break; other input may not, because some of it may be missing. */
  readonly inputSurvivesBreaks: boolean;
  readonly onEvent: (event: WireEvent) => void;
  /** Ends the opening. */
  readonly signal?: AbortSignal | undefined;
}

/** What may wait to be sent before a writer has to. */
const highWaterBytes = 1024 ** 2;
const drainPollMs = 10;

/**
 * Starts a command whose input stays open, over a WebSocket, and keeps a connection to it until its end: when one breaks, the next one goes on
 * after the last event that was seen.
 */
export class Channel {
  readonly #context: Context;
  readonly #options: ChannelOptions;
  readonly #attempts: Attempts;
  readonly #closing = new AbortController();
  readonly #ended = deferred();
  readonly #started = deferred();
  /** The connection that is there, or is being made. */
  #socket: Promise<Socket>;
  #isStarted = false;
  #isOver = false;
  #last = 0;
  #breaks = 0;
  /** Breaks before the first write. Null: nothing was written. */
  #breaksAtWrite: number | null = null;
  #refusal: SandboxApiError | null = null;
  #silence: ReturnType<typeof setTimeout> | undefined;

  private constructor(context: Context, options: ChannelOptions) {
    this.#context = context;
    this.#options = options;
    this.#attempts = new Attempts(context.reconnect, this.#closing.signal);
    this.#socket = this.#connect();
    this.#socket.catch(() => undefined); // each of its users is told, and so are those who wait for the end
    this.#ended.promise.catch(() => undefined);
  }

  /** Resolves when the server has started the command. @throws SandboxApiError, SandboxConnectionError */
  static async open(context: Context, options: ChannelOptions): Promise<Channel> {
    options.signal?.throwIfAborted();
    const channel = new Channel(context, options);
    const leave = (): void => channel.#fail(options.signal?.reason as Error);
    options.signal?.addEventListener('abort', leave, { once: true });
    try {
      await channel.#started.promise;
    } finally {
      options.signal?.removeEventListener('abort', leave);
    }
    return channel;
  }

  /** Resolves when all events were given. @throws SandboxApiError, SandboxConnectionError where the rest cannot be had */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async act(action: Exclude<Action, { action: 'execute' | 'stdin' }>): Promise<void> {
    (await this.#ready()).send(JSON.stringify(action));
  }

  async write(data: string | Uint8Array): Promise<void> {
    const socket = await this.#ready();
    this.#breaksAtWrite ??= this.#breaks;
    socket.send(typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data));
    while (socket.bufferedAmount > highWaterBytes && socket === (await this.#socket)) await sleep(drainPollMs);
    this.#requireWhole();
  }

  async #ready(): Promise<Socket> {
    const socket = await this.#socket;
    if (this.#refusal !== null) throw this.#refusal;
    if (this.#isOver) throw new SandboxApiError('The command has ended.', { code: 'SANDBOX008' });
    this.#requireWhole();
    return socket;
  }

  #requireWhole(): void {
    if (this.#options.inputSurvivesBreaks || this.#breaksAtWrite === null || this.#breaksAtWrite === this.#breaks)
      return;
    throw new SandboxConnectionError('The connection broke: how much of the input has arrived is not known.');
  }

  async #connect(): Promise<Socket> {
    for (;;) {
      try {
        const socket = await this.#open();
        this.#watch(socket);
        // Until its start is confirmed, it is sent again, under the same id, which never starts a second one.
        if (!this.#isStarted) {
          const { execute, executionId } = this.#options;
          socket.send(JSON.stringify({ action: 'execute', ...execute, execution_id: executionId }));
        }
        return socket;
      } catch (error) {
        try {
          await this.#attempts.pauseAfter(error);
        } catch (final) {
          this.#fail(final);
          throw final;
        }
      }
    }
  }

  async #open(): Promise<Socket> {
    const watch = new Watch(this.#context.reconnect.silenceMs, this.#closing.signal);
    try {
      return await watch.awaiting(this.#dial(watch.signal));
    } finally {
      watch.end();
    }
  }

  async #dial(signal: AbortSignal): Promise<Socket> {
    const { http } = this.#context;
    const { sandboxId, executionId } = this.#options;
    const path = `/api/ergon/sandbox/ws/${encodeURIComponent(sandboxId)}`;
    const ticket = needsTicket
      ? await http.call('post', '/api/ergon/sandbox/ticket', { body: { sandbox_id: sandboxId }, signal })
      : undefined;
    const after = this.#isStarted ? `${executionId}:${this.#last}` : undefined;
    const url = http.url(path, { all: true, after, ticket: ticket?.ticket });
    let isCurrent = true;
    signal.throwIfAborted();
    return openSocket(url.replace(/^http/, 'ws'), http.token, {
      signal,
      onMessage: (text) => {
        if (isCurrent) this.#receive(text);
      },
      onClose: () => {
        isCurrent = false;
        this.#break();
      },
    });
  }

  /** Gives up a connection on which nothing comes; while a program runs, its metrics do. */
  #watch(socket: Socket): void {
    clearTimeout(this.#silence);
    const { silenceMs } = this.#context.reconnect;
    this.#silence = setTimeout(() => socket.close(), silenceMs);
  }

  #break(): void {
    clearTimeout(this.#silence);
    if (this.#isOver) return;
    this.#breaks += 1;
    this.#socket = this.#attempts
      .pauseAfter(new SandboxConnectionError('The WebSocket was closed.'))
      .then(() => this.#connect());
    this.#socket.catch((error: unknown) => this.#fail(error));
  }

  #receive(text: string): void {
    if (this.#isOver) return;
    void this.#socket.then(
      (socket) => this.#isOver || this.#watch(socket),
      () => undefined, // it failed, and that was told
    );
    try {
      this.#read(JSON.parse(text) as unknown);
    } catch (error) {
      this.#fail(error instanceof SyntaxError ? unexpected('A message of the WebSocket') : error);
    }
  }

  /** @throws SandboxApiError for what is none of the server's messages */
  #read(message: unknown): void {
    const { executionId } = this.#options;
    const { type, id } = isObject(message) ? message : {};
    if (type === 'started' && isStart(message)) {
      if (message.execution_id === executionId) this.#start();
    } else if (type === 'error' && id === undefined && isRefusal(message)) {
      this.#refuse(message);
    } else if (typeof id !== 'string') {
      throw unexpected('A message of the WebSocket');
    } else if (id.startsWith(`${executionId}:`)) {
      const { event, number } = parseEvent(message, executionId);
      this.#take(event, number);
    }
  }

  #start(): void {
    this.#isStarted = true;
    this.#attempts.succeeded();
    this.#started.resolve();
  }

  #refuse({ message, code, field }: Refusal): void {
    const refusal = new SandboxApiError(message, { code, field });
    if (this.#isStarted) this.#refusal ??= refusal;
    else this.#fail(refusal);
  }

  #take(event: WireEvent, number: number): void {
    if (number <= this.#last) return;
    this.#last = number;
    this.#options.onEvent(event);
    if (event.type === 'complete') this.#over(() => this.#ended.resolve());
  }

  #fail(error: unknown): void {
    this.#over(() => {
      this.#closing.abort(error);
      this.#started.reject(error);
      this.#ended.reject(error);
    });
  }

  #over(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#silence);
    void this.#socket.then(
      (socket) => socket.close(),
      () => undefined, // there is none
    );
    tell();
  }
}

function deferred(): {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
} {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  return { promise, resolve, reject };
}
