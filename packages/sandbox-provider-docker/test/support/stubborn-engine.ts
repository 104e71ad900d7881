import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveEndpoint } from '../../src/connect/index.js';

/** The engine of the tests, but that it removes no volume, and says that it did. */
export class StubbornEngine implements AsyncDisposable {
  readonly host: string;
  /** How often it was asked to remove one. */
  asked = 0;
  readonly #folder = mkdtempSync(join(tmpdir(), 'ergon-stubborn-'));
  readonly #server = createServer((incoming, answer) => this.#take(incoming, answer));

  private constructor() {
    this.host = `unix://${this.#folder}/docker.sock`;
  }

  static async listen(): Promise<StubbornEngine> {
    const engine = new StubbornEngine();
    engine.#server.listen(`${engine.#folder}/docker.sock`);
    await once(engine.#server, 'listening');
    return engine;
  }

  #take(incoming: IncomingMessage, answer: ServerResponse): void {
    const { method, url: path, headers } = incoming;
    if (method === 'DELETE' && path?.includes('/volumes/') === true) {
      this.asked += 1;
      answer.writeHead(204).end();
      return;
    }
    const { address } = resolveEndpoint();
    const where = address.kind === 'socket' ? { socketPath: address.path } : { host: address.host, port: address.port };
    const passed = request({ ...where, method, path, headers }, (theirs) => {
      answer.writeHead(theirs.statusCode ?? 502, theirs.headers);
      theirs.pipe(answer);
    });
    passed.on('error', (error) => answer.destroy(error));
    incoming.pipe(passed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.#folder, { recursive: true });
  }
}
