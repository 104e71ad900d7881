import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from '@ergon/sandbox-core';
import { runInContext } from './request-context.js';

/** So that no flood of connections takes what sandboxes need. */
const maxConnections = 1000;
/** From a connection's first byte to the end of the headers, in ms. */
const headersTimeoutMs = 15_000;
/** The same to the end of the body. */
const requestTimeoutMs = 120_000;

/** Of each connection those that are not complete. */
const answers = new WeakMap<Duplex, Set<ServerResponse>>();

export function hasOpenAnswer(socket: Duplex): boolean {
  return (answers.get(socket)?.size ?? 0) > 0;
}

/** Node's server for the application; what is no HTTP at all is answered here. */
export function createHttpServer(app: RequestListener, logger: Logger): Server {
  const server = createServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs, connectionsCheckingInterval: 5000 },
    app,
  );
  server.maxConnections = maxConnections;
  server.on('drop', () => logger.warn('A connection was refused: there are too many', { maxConnections }));
  server.on('checkExpectation', app); // which refuses it
  server.maxHeadersCount = 0; // their size is bounded; beyond a count Node would drop the last ones without a word
  server.on('request', (request, response) => {
    const open = answers.get(request.socket) ?? new Set();
    answers.set(request.socket, open.add(response));
    response.once('close', () => open.delete(response));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // A second head would stand in the body of an answer that has begun.
    const begun = [...(answers.get(socket) ?? [])].some((response) => response.headersSent);
    if (error.code === 'ECONNRESET' || !socket.writable || begun) socket.destroy();
    else refuse(error, socket, logger);
  });
  return server;
}

function refuse(error: NodeJS.ErrnoException, socket: Duplex, logger: Logger): void {
  const [status, title] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout']
        : [400, 'Bad Request'];
  const requestId = randomUUID();
  runInContext({ requestId }, () => logger.info('A request that is not valid HTTP', { status, reason: error.code }));
  const detail = 'The request is not valid HTTP, is too slow, or its headers are too large.';
  const body = JSON.stringify({ type: 'urn:ergon:sandbox:SANDBOX008', title, status, detail, code: 'SANDBOX008' });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nX-Request-Id: ${requestId}\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
