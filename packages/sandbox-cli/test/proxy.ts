import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** What a connection of a cutting proxy may bring of a log before it is cut. More than one event has. */
const bytesOfLog = 5000;

/** Stands before a server, and cuts connections: each that brings a log, in the middle of it, and the first one that starts a command. */
export class CuttingProxy {
  cutLogs = 0;
  cutStarts = 0;
  readonly #server: Server;

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      this.#pass(near, connect(Number(target.port), target.hostname));
    });
  }

  static async before(url: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(new URL(url));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }

  #pass(near: Socket, far: Socket): void {
    let left = Infinity;
    let isStart = false;
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    near.on('data', (chunk: Buffer) => {
      if (chunk.includes('/events')) left = bytesOfLog;
      isStart = chunk.includes('POST /api/ergon/sandbox/execute');
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      if (isStart && this.cutStarts === 0) {
        this.cutStarts += 1; // the command runs, and nobody has heard of it
        end();
        return;
      }
      near.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      this.cutLogs += 1;
      near.end(end);
      far.destroy();
    });
    near.on('error', end).on('close', end);
    far.on('error', end).on('close', () => (left > 0 ? end() : undefined));
  }
}
