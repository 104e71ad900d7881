import { once } from 'node:events';
import WebSocket from 'ws';
import type { ClientOptions } from 'ws';
import type { Contract } from './contract.js';
import type { TestServer } from './server.js';
import { until } from './until.js';

/** A message of the server; expectations say which fields are there. */
export interface Message {
  readonly type: string;
  readonly id?: string;
  readonly line?: string;
  readonly stream?: string;
  readonly data?: string;
  readonly message?: string;
  readonly code?: string;
  readonly field?: string;
  readonly status?: string;
  readonly exit_code?: number | null;
  readonly execution_id?: string;
  readonly tty?: boolean;
  readonly at?: number;
}

/** A client of a sandbox's WebSocket, which keeps what it was sent. */
export class SocketClient {
  static readonly #all = new Set<SocketClient>();
  readonly messages: Message[] = [];
  readonly webSocket: WebSocket;
  closed: { readonly code: number; readonly reason: string } | null = null;

  private constructor(webSocket: WebSocket, contract: Contract) {
    this.webSocket = webSocket;
    webSocket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Message;
      contract.checkComponent('Event', message);
      this.messages.push(message);
    });
    webSocket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    webSocket.on('error', () => undefined); // told to whoever opens it
    SocketClient.#all.add(this);
  }

  /** Resolves when it is open. @throws with the status of an answer that refused it */
  static async open(server: TestServer, path: string, options: ClientOptions = {}): Promise<SocketClient> {
    const url = `${server.url.replace('http', 'ws')}/api/ergon/sandbox/ws/${path}`;
    const client = new SocketClient(new WebSocket(url, options), await server.contract());
    await once(client.webSocket, 'open');
    return client;
  }

  static endAll(): void {
    for (const { webSocket } of SocketClient.#all) webSocket.terminate();
    SocketClient.#all.clear();
  }

  send(action: unknown): void {
    this.webSocket.send(typeof action === 'string' ? action : JSON.stringify(action));
  }

  /** Sends and waits for the end of what it started. @returns that end. */
  async run(action: Record<string, unknown>): Promise<Message> {
    const before = this.of('complete').length;
    this.send({ action: 'execute', ...action });
    await until(() => this.of('complete').length > before, 20_000);
    return this.of('complete').slice(-1)[0] ?? { type: 'none' };
  }

  of(type: string): Message[] {
    return this.messages.filter((message) => message.type === type);
  }

  get lines(): (string | undefined)[] {
    return this.of('output').map(({ line }) => line);
  }

  /** What `data` messages held. */
  get text(): string {
    return Buffer.concat(this.of('data').map(({ data = '' }) => Buffer.from(data, 'base64'))).toString();
  }
}
