import type { Readable } from 'node:stream';
import { Demultiplexer, type Frame } from './demultiplex.js';

/** The frames of a connection, as they come. What is in no frames is an error of the connection. */
export function onFrames(socket: Readable, take: (frame: Frame) => void): void {
  const demultiplexer = new Demultiplexer();
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const frame of demultiplexer.push(chunk)) take(frame);
    } catch (error) {
      socket.destroy(error as Error);
    }
  });
}
