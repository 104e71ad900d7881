import { once } from 'node:events';
import { hasErrorCode } from '@ergon/sandbox-core';

/** Stdout and stderr as places that bytes go to at their reader's pace, and that may have lost their reader (`| head`). */
export class Pipes {
  /** Aborted once a reader has gone. */
  readonly closed: AbortSignal;

  constructor() {
    const controller = new AbortController();
    this.closed = controller.signal;
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', (error) => {
        if (!hasErrorCode(error, 'EPIPE')) throw error;
        controller.abort();
      });
    }
  }

  async write(name: 'stdout' | 'stderr', bytes: Uint8Array | string): Promise<void> {
    if (this.closed.aborted || process[name].write(bytes)) return;
    await once(process[name], 'drain', { signal: this.closed }).catch((error: unknown) => {
      if (!this.closed.aborted) throw error;
    });
  }
}
