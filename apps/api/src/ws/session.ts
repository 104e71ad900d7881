import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { eventToWire, isSandboxError, parseInput, SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type { Execution, ExecutionEvent, Logger, Sandbox } from '@ergon/sandbox-core';
import type { RawData, WebSocket } from 'ws';
import { parseJsonObject } from '../http/body.js';
import { problemOf } from '../http/problem.js';
import { takeTurn } from '../stream/turns.js';
import { actionSchema } from './messages.js';
import type { Action } from './messages.js';
import { Outlet } from './outlet.js';

/** What a message costs at least, however little is in it. */
const leastBytes = 512;
/** What a client may have sent for a program that has not taken it, in bytes: beyond it the connection is not read. */
const maxPendingBytes = 1024 ** 2;
const heartbeatMs = 30_000;
/** Events that every client knows; the others are for those that ask for all. */
const known: ReadonlySet<ExecutionEvent['type']> = new Set(['line', 'data', 'sample', 'error', 'end']);

/** Of RFC 6455, 7.4.1. */
const closeCodes = { normal: 1000, failed: 1011 } as const;

export interface SessionOptions {
  readonly connection: { readonly webSocket: WebSocket; readonly socket: Socket };
  /** Null: it is gone, and there is only something left to read. */
  readonly sandbox: Sandbox | null;
  /** To be sent first: each with the number after which to begin. */
  readonly parts: readonly { readonly execution: Execution; readonly after: number }[];
  /** Its executions from now on, and the one that runs. */
  readonly executions: AsyncIterator<Execution>;
  readonly raw: boolean;
  readonly all: boolean;
  /** Aborted when the client has left. */
  readonly left: AbortSignal;
  readonly logger: Logger;
}

/**
 * One client's connection to one sandbox: it sees every execution there, whoever starts it, and may start, stop and write to one. When it
 * leaves, nothing else changes.
 */
export class SandboxSession {
  readonly #options: SessionOptions;
  readonly #webSocket: WebSocket;
  readonly #outlet: Outlet;
  /** Executions of which this client wants bytes. */
  readonly #wantRaw = new Set<string>();
  readonly #seen = new Set<string>();
  #acting: Promise<void> = Promise.resolve();
  #forwarding: Promise<void> = Promise.resolve();
  #pendingBytes = 0;
  #alive = true;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#webSocket = options.connection.webSocket;
    this.#outlet = new Outlet(this.#webSocket, options.connection.socket);
  }

  /** Resolves when the connection has ended. */
  async run(): Promise<void> {
    const { left, logger } = this.#options;
    const webSocket = this.#webSocket;
    webSocket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    webSocket.on('pong', () => (this.#alive = true));
    webSocket.on('error', (error) => logger.debug('A WebSocket failed', { error: sentenceOf(error) }));
    const closed = new Promise<void>((resolve) => webSocket.once('close', () => resolve()));
    const heartbeat = setInterval(() => this.#beat(), heartbeatMs);
    try {
      await this.#forwardAll();
      if (!left.aborted) webSocket.close(closeCodes.normal, 'The sandbox is gone');
    } catch (error) {
      if (!isSandboxError(error)) logger.error('The events of a sandbox could not be sent', { error });
      await this.#tell(error);
      webSocket.close(closeCodes.failed, 'The events could not be read');
    }
    await closed;
    clearInterval(heartbeat);
  }

  /** A client that has not answered since the last one is gone, without a word; while it is not read, it cannot answer. */
  #beat(): void {
    if (!this.#alive && !this.#webSocket.isPaused) {
      this.#webSocket.terminate();
      return;
    }
    this.#alive = false;
    this.#webSocket.ping();
  }

  async #forwardAll(): Promise<void> {
    const { parts, executions } = this.#options;
    for (const { execution, after } of parts) await this.#forwardNext(execution, after);
    for (let next = await executions.next(); next.done !== true; next = await executions.next()) {
      await this.#forwardNext(next.value, 0);
    }
  }

  /** After all that is being sent. */
  #forwardNext(execution: Execution, after: number): Promise<void> {
    this.#forwarding = this.#forwarding.then(() => this.#forward(execution, after));
    return this.#forwarding;
  }

  async #forward(execution: Execution, after: number): Promise<void> {
    if (this.#seen.has(execution.id)) return;
    this.#seen.add(execution.id);
    const { all, left } = this.#options;
    const raw = this.#options.raw || execution.tty || this.#wantRaw.has(execution.id);
    if (all) {
      await this.#outlet.send([JSON.stringify({ type: 'started', execution_id: execution.id, tty: execution.tty })]);
    }
    for await (const batch of execution.events({ after, raw, signal: left })) {
      await takeTurn();
      const events = all ? batch : batch.filter(({ type }) => known.has(type));
      await this.#outlet.send(events.map((event) => JSON.stringify(eventToWire(execution.id, event))));
    }
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.#alive = true;
    const bytes = Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
    this.#hold(bytes.length);
    // In their order; but what a program does not take holds up nothing: it can still be stopped.
    this.#acting = this.#acting
      .then(async () => {
        if (this.#options.left.aborted) return;
        await takeTurn();
        const action = isBinary ? null : parseInput(actionSchema, parseJsonObject(bytes, 'message'));
        if (action === null) this.#write(bytes);
        else await this.#act(action);
      })
      .catch((error: unknown) => this.#tell(error))
      .finally(() => this.#release(bytes.length));
  }

  async #act(action: Action): Promise<void> {
    const sandbox = this.#sandbox();
    switch (action.action) {
      case 'execute': {
        const { command, test, stdin, tty, cols, rows, raw, execution_id: executionId = randomUUID() } = action;
        if (command !== undefined && test === true) {
          throw new SandboxError('SANDBOX008', 'test: must not be true where a command is given.', { field: 'test' });
        }
        if (raw) this.#wantRaw.add(executionId);
        const size = tty === true ? { tty: { cols, rows } } : {};
        const execution = await sandbox.execute({ command, test, stdin, executionId, ...size });
        // One that this client starts again by its id may have ended long ago.
        if (action.execution_id !== undefined) void this.#forwardNext(execution, 0).catch(() => undefined); // run() tells
        return;
      }
      case 'stop':
        // Not awaited: it may take the grace, in which the client may have more to say.
        this.#hold(0);
        void sandbox
          .stop()
          .then((stopped) => (stopped ? undefined : this.#tell(nothingRuns())))
          .catch((error: unknown) => this.#tell(error))
          .finally(() => this.#release(0));
        return;
      case 'stdin':
        this.#write(Buffer.from(action.data, action.encoding));
        return;
      case 'stdin_close':
        await this.#running().closeInput();
        return;
      case 'resize':
        await this.#running().resize({ cols: action.cols, rows: action.rows });
    }
  }

  #write(data: Buffer): void {
    const execution = this.#running();
    this.#hold(data.length);
    void execution
      .write(data)
      .catch((error: unknown) => this.#tell(error))
      .finally(() => this.#release(data.length));
  }

  #sandbox(): Sandbox {
    const { sandbox } = this.#options;
    if (sandbox !== null) return sandbox;
    throw new SandboxError('SANDBOX006', 'The sandbox has been removed.', { field: 'sandbox_id' });
  }

  #running(): Execution {
    const { current } = this.#sandbox();
    if (current?.running !== true) throw nothingRuns();
    return current;
  }

  #hold(bytes: number): void {
    this.#pendingBytes += Math.max(bytes, leastBytes);
    if (this.#pendingBytes > maxPendingBytes) this.#webSocket.pause();
  }

  #release(bytes: number): void {
    this.#pendingBytes -= Math.max(bytes, leastBytes);
    if (this.#pendingBytes <= maxPendingBytes) this.#webSocket.resume();
  }

  async #tell(error: unknown): Promise<void> {
    const { detail: message, code, field } = problemOf(error);
    if (code === undefined) this.#options.logger.error('An action of a client failed', { error });
    await this.#outlet.send([JSON.stringify({ type: 'error', message, code, field })]);
  }
}

function nothingRuns(): SandboxError {
  return new SandboxError('SANDBOX008', 'Nothing runs in this sandbox; execute something first.');
}
