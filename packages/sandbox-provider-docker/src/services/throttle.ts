import type { Readable } from 'node:stream';

const WINDOW_MS = 100;
const WINDOW_BYTES = 1 << 20;

/** Reads no faster than 10 MiB/s: whoever writes without end waits, and costs the server little. */
export function throttle(stream: Readable): void {
  let read = 0;
  let timer: NodeJS.Timeout | null = null;
  stream.on('data', (chunk: Buffer) => {
    read += chunk.length;
    timer ??= setTimeout(() => {
      timer = null;
      if (read > WINDOW_BYTES) stream.resume();
      read = 0;
    }, WINDOW_MS).unref();
    if (read > WINDOW_BYTES) stream.pause();
  });
}
