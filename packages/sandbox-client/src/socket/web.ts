import { SandboxConnectionError } from '../errors.js';
import type { OpenSocket } from './socket.js';

/** A page cannot send headers with a WebSocket, nor see why one was refused; asking for a ticket tells both. */
export const needsTicket = true;

export const openSocket: OpenSocket = (url, _token, { signal, onMessage, onClose }) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    let opened = false;
    const leave = (): void => {
      reject(signal.reason as Error);
      socket.close();
    };
    signal.addEventListener('abort', leave, { once: true });
    socket.onmessage = ({ data }) => onMessage(String(data));
    socket.onclose = ({ code }) => {
      if (opened) onClose();
      else reject(new SandboxConnectionError(`The WebSocket could not be opened (${code})`));
    };
    socket.onopen = () => {
      opened = true;
      signal.removeEventListener('abort', leave);
      resolve({
        send: (data) => socket.send(data),
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        close: () => socket.close(),
      });
    };
  });
