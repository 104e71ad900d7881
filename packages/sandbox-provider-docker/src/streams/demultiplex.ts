import type { OutputStream } from '@ergon/sandbox-core';

export interface Frame {
  readonly stream: OutputStream;
  readonly data: Buffer;
}

const HEADER = 8;

/**
 * Takes the engine's stream of both outputs apart (Engine API, "Stream format": one byte for the stream, three of zero, four for the
 * length, then the bytes). A frame's bytes are passed on as they come; only a header is ever held back.
 */
export class Demultiplexer {
  #header: Buffer = Buffer.alloc(0);
  #stream: OutputStream = 'stdout';
  /** Bytes of the current frame that are still to come. */
  #left = 0;

  /** @throws RangeError for what is no such stream */
  push(chunk: Buffer): Frame[] {
    const frames: Frame[] = [];
    for (let at = 0; at < chunk.length;) {
      if (this.#left > 0) {
        const data = chunk.subarray(at, at + this.#left);
        frames.push({ stream: this.#stream, data });
        this.#left -= data.length;
        at += data.length;
        continue;
      }
      const part = chunk.subarray(at, at + HEADER - this.#header.length);
      this.#header = this.#header.length === 0 ? part : Buffer.concat([this.#header, part]);
      at += part.length;
      if (this.#header.length < HEADER) break;
      this.#stream = streamOf(this.#header);
      this.#left = this.#header.readUInt32BE(4);
      this.#header = Buffer.alloc(0);
    }
    return frames;
  }
}

function streamOf(header: Buffer): OutputStream {
  const [kind, ...zeros] = header.subarray(0, 4);
  if (kind === undefined || kind > 2 || zeros.some((byte) => byte !== 0)) {
    throw new RangeError('The Docker engine sent output that is not in frames.');
  }
  return kind === 2 ? 'stderr' : 'stdout'; // 0 is what was written to stdin, echoed on stdout
}
