import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** What a connection of a cutting proxy may bring of a log, or of a kept file, before it is cut. More than one event has. */
const bytesOfLog = 5000;

const startOf = /^POST \/api\/ergon\/sandbox\/execute/;
/** Requests of which the first one is carried out, and nobody hears its answer. */
const unheard = [startOf, /^DELETE /, /^GET \S+\/results\/[^/]+\/files[? ]/];
const keptFile = /^GET \S+\/results\/[^/]+\/files\//;

/**
 * Stands before a server, and cuts connections: each that brings a log, and the first one that brings a kept file, in the middle of it; and before
 * their answers, the first that start a command, list what is kept, and remove a sandbox.
 */
export class CuttingProxy {
  cutLogs = 0;
  cutFiles = 0;
  /** By the request. */
  readonly cutAnswers = new Set<RegExp>();
  readonly #server: Server;

  private constructor(target: URL) {
    this.#server = createServer((near) => {
      this.#pass(near, connect(Number(target.port), target.hostname));
    });
  }

  get cutStarts(): boolean {
    return this.cutAnswers.has(startOf);
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
    let cut: RegExp | undefined;
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    near.on('data', (chunk: Buffer) => {
      const request = chunk.toString('latin1');
      if (request.includes('/events')) left = bytesOfLog;
      if (keptFile.test(request) && this.cutFiles === 0) {
        this.cutFiles += 1;
        left = bytesOfLog;
      }
      cut = unheard.find((answer) => answer.test(request) && !this.cutAnswers.has(answer));
      far.write(chunk);
    });
    far.on('data', (chunk: Buffer) => {
      if (cut !== undefined) {
        this.cutAnswers.add(cut);
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
