import type { Response } from 'express';

/**
 * Aborted when the answer's reader has left (or the answer is complete): also where that was before this was asked, and where the
 * answer still waits for an earlier one on its connection and so closes without an event of its own.
 */
export function leftSignal(response: Response): AbortSignal {
  const left = new AbortController();
  const { socket } = response.req;
  const abort = (): void => {
    socket.off('close', abort);
    left.abort();
  };
  if (response.destroyed || socket.destroyed) {
    left.abort();
    return left.signal;
  }
  response.once('close', abort);
  socket.setMaxListeners(0); // a client may ask for many answers ahead
  socket.once('close', abort);
  return left.signal;
}
