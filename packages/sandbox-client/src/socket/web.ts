import { SandboxConnectionError } from '../errors.js';
import type { OpenSocket } from './socket.js';

/** A page cannot send headers with a WebSocket, nor see why one was refused; asking for a ticket tells both. */
export const needsTicket = true;

export const openSocket: OpenSocket = (url, _token, { onMessage, onClose }) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    let opened = false;
    socket.onmessage = ({ data }) => onMessage(String(data));
    socket.onclose = ({ code }) => {
      if (opened) onClose();
      else reject(new SandboxConnectionError(`The WebSocket could not be opened (${code})`));
    };
    socket.onopen = () => {
      opened = true;
      resolve({
        send: (data) => socket.send(data),
        get bufferedAmount() {
          return socket.bufferedAmount;
        },
        close: () => socket.close(),
      });
    };
  });
