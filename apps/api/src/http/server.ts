import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '@ergon/sandbox-core';
import { limitBodyTime } from './body-time.js';
import { runInContext } from './request-context.js';

/** So that no flood of connections takes what sandboxes need. */
const maxConnections = 1000;
/** From a connection's first byte to the end of the headers, in ms. */
const headersTimeoutMs = 15_000;
/** Who is told of a fault has so long to read that, in ms. */
const lingerMs = 1000;

/** Of each connection those that are not complete. */
const answers = new WeakMap<Duplex, Set<ServerResponse>>();

export function hasOpenAnswer(socket: Duplex): boolean {
  return (answers.get(socket)?.size ?? 0) > 0;
}

/**
 * Node's server for the application; what is no HTTP at all is answered here.
 * @param requestTimeoutMs from the end of a request's headers to the end of its body
 */
export function createHttpServer(
  app: RequestListener,
  { logger, requestTimeoutMs }: { readonly logger: Logger; readonly requestTimeoutMs: number },
): Server {
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: 0,
    connectionsCheckingInterval: 5000,
  });
  server.maxConnections = maxConnections;
  server.on('drop', () => logger.warn('A connection was refused: there are too many', { maxConnections }));
  server.on('checkExpectation', (request, response) => server.emit('request', request, response)); // which refuses it
  server.maxHeadersCount = 0; // their size is bounded; beyond a count Node would drop the last ones without a word
  server.on('request', (request, response) => {
    const open = answers.get(request.socket) ?? new Set();
    answers.set(request.socket, open.add(response));
    response.once('close', () => open.delete(response));
    limitBodyTime(request, requestTimeoutMs, () => {
      // An answer that has begun, or was given, has nothing after it.
      if (response.headersSent) request.socket.destroy();
      else refuse(late(`The request did not come within ${requestTimeoutMs / 1000} s.`), request.socket, logger);
    });
    app(request, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A second head would stand in the body of an answer that has begun.
    const begun = [...(answers.get(socket) ?? [])].some((response) => response.headersSent);
    if (error.code === 'ECONNRESET' || !socket.writable || begun) socket.destroy();
    else refuse(faultOf(error), socket, logger);
  });
  return server;
}

interface Fault {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly reason: string | undefined;
}

function faultOf({ code: reason }: NodeJS.ErrnoException): Fault {
  if (reason === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return late(`The headers of the request did not come within ${headersTimeoutMs / 1000} s.`);
  }
  return reason === 'HPE_HEADER_OVERFLOW'
    ? { status: 431, title: 'Request Header Fields Too Large', detail: 'The headers are too large.', reason }
    : { status: 400, title: 'Bad Request', detail: 'The request is not valid HTTP.', reason };
}

function late(detail: string): Fault {
  return { status: 408, title: 'Request Timeout', detail, reason: 'ERR_HTTP_REQUEST_TIMEOUT' };
}

function refuse({ status, title, detail, reason }: Fault, socket: Duplex, logger: Logger): void {
  const requestId = randomUUID();
  runInContext({ requestId }, () => logger.info('A request that is not valid HTTP', { status, reason }));
  const body = JSON.stringify({ type: 'urn:ergon:sandbox:SANDBOX008', title, status, detail, code: 'SANDBOX008' });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nX-Request-Id: ${requestId}\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    // What comes late after all is not to be carried out.
    () => (status === 408 ? socket.destroy() : undefined),
  );
  const linger = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(linger));
}
