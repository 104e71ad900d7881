import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { hasOpenAnswer } from './server.js';

/** What a connection that asks for another protocol has, besides its request. */
export interface Upgrade {
  readonly socket: Socket;
  /** What was sent after the headers. */
  readonly head: Buffer;
  /** To refuse it by. */
  readonly response: ServerResponse;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();

/**
 * Brings requests for a WebSocket through the same application as all others, so that the same checks hold, and refusals are ordinary
 * answers. Node hands over every request that asks for another protocol as soon as somebody listens; those for anything but a WebSocket
 * (curl and Java ask for HTTP/2 with each call) go on as the plain requests that they may be taken for (RFC 9110, 7.8).
 */
export function acceptUpgrades(server: Server, app: RequestListener): void {
  server.on('upgrade', (request, socket, head: Buffer) => {
    // A client must not ask for another protocol before it has its answers (RFC 9112, 9.3.2, and RFC 6455, 4.1): nothing could be sent here.
    if (hasOpenAnswer(socket)) {
      socket.destroy();
      return;
    }
    if (!(socket instanceof Socket)) throw new Error('the server listens on TCP, so its connections are sockets');
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      socket.unshift(Buffer.concat([headOf(request), head]));
      server.emit('connection', socket);
      return;
    }
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.end());
    socket.on('error', () => socket.destroy()); // its reader left
    upgrades.set(request, { socket, head, response });
    app(request, response);
  });
}

export function asksForUpgrade(request: IncomingMessage): boolean {
  return upgrades.has(request);
}

/** The connection, for the protocol that it asks for: until it is taken, an answer can still refuse it. */
export function upgradeOf(request: IncomingMessage): Upgrade {
  const upgrade = upgrades.get(request);
  if (upgrade === undefined) throw new Error('the request asked for no upgrade');
  return upgrade;
}

/** The application has agreed, and answers no more. */
export function takeUpgrade({ response, socket }: Upgrade): void {
  response.statusCode = 101;
  response.detachSocket(socket);
}

/** A request's head without what asks for another protocol. */
function headOf({ method = '', url = '', rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const value = rawHeaders[at + 1] ?? '';
    if (/^(upgrade|http2-settings)$/i.test(name)) continue;
    if (!/^connection$/i.test(name)) lines.push(`${name}: ${value}`);
    else if (/(^|,)\s*close\s*(,|$)/i.test(value)) lines.push('Connection: close');
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
