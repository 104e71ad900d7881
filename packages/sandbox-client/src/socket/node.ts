import { WebSocket } from 'ws';
import { apiErrorOf, SandboxConnectionError } from '../errors.js';
import type { OpenSocket } from './socket.js';

/** Headers can be sent: no ticket has to stand in for the token. */
export const needsTicket = false;

export const openSocket: OpenSocket = (url, token, { signal, onMessage, onClose }) =>
  new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, { headers, perMessageDeflate: false, maxPayload: 16 * 1024 ** 2 });
    const leave = (): void => {
      reject(signal.reason as Error);
      socket.terminate();
    };
    signal.addEventListener('abort', leave, { once: true });
    socket.on('message', (data) => onMessage((data as Buffer).toString())); // the default binaryType gives Buffers
    socket.on('unexpected-response', (_request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('close', () => {
        const { statusCode: status = 500, headers: given } = response;
        const answer = new Response(null, { status, headers: textHeaders(given) });
        reject(apiErrorOf(answer, Buffer.concat(chunks).toString()));
        socket.terminate();
      });
    });
    socket.on('error', (cause) =>
      reject(new SandboxConnectionError(`The WebSocket could not be opened (${cause.message})`, { cause })),
    );
    socket.on('open', () => {
      signal.removeEventListener('abort', leave);
      socket.on('close', onClose);
      resolve({
        send: (data) => socket.send(data),
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        close: () => socket.terminate(), // nothing is waited for: what a dead connection says last would take half a minute
      });
    });
  });

function textHeaders(given: Readonly<Record<string, string | string[] | undefined>>): [string, string][] {
  return Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
}
