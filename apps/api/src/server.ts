import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { SandboxRunner } from '@ergon/sandbox-core';
import { SandboxError, hasErrorCode, sentenceOf } from '@ergon/sandbox-core';
import type { DependencyContainer } from 'tsyringe';
import type { WebSocketServer } from 'ws';
import { createApp } from './app.js';
import { startRunner } from './container.js';
import { readExamples } from './examples.js';
import { Spools } from './files/spool.js';
import { createHttpServer } from './http/server.js';
import { acceptUpgrades } from './http/upgrade.js';
import { createWebSocketServer } from './routes/socket.js';
import { tokens } from './tokens.js';

/** After the last run has ended, readers have so long to take what is left for them, in ms. */
const drainMs = 5000;

export interface RunningServer {
  /** E.g. `http://127.0.0.1:8102`. */
  readonly url: string;
  /**
   * Stops in order: no new connection, runs are stopped (their readers see the end), sandboxes removed, connections closed, the
   * registry last. Safe to call twice.
   */
  close(): Promise<void>;
}

/**
 * Starts the server over a container, with the example solutions stored.
 * @throws SandboxError with a sentence for people; then nothing is left open
 */
export async function startServer(container: DependencyContainer): Promise<RunningServer> {
  const config = container.resolve(tokens.config);
  const logger = container.resolve(tokens.logger);
  const examples = config.examplesDir === null ? [] : await readExamples(config.examplesDir);
  const opened: AsyncDisposable[] = [];
  const dispose = async (): Promise<void> => {
    for (const part of opened.reverse()) await part[Symbol.asyncDispose]();
  };
  try {
    const registry = container.resolve(tokens.registry);
    opened.push(registry);
    opened.push(await startRunner(container)); // from here on the data folder is this server's
    await Spools.sweep(config.dataDir, logger);
    for (const example of examples) {
      const { id } = await registry.store(example);
      logger.debug('An example was stored', { unitId: id, name: example.name });
    }
    const sockets = createWebSocketServer();
    const app = createApp(container, sockets);
    const server = createHttpServer(app, { logger, requestTimeoutMs: config.requestTimeoutMs });
    acceptUpgrades(server, app);
    await listen(server, config.host, config.port);
    let closing: Promise<void> | null = null;
    return {
      url: urlOf(server),
      close: () => (closing ??= closeInOrder(server, sockets, container.resolve(tokens.runner), dispose)),
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function closeInOrder(
  server: Server,
  sockets: WebSocketServer,
  runner: SandboxRunner,
  dispose: () => Promise<void>,
): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  try {
    await runner.close();
  } finally {
    server.closeIdleConnections();
    const timer = setTimeout(() => {
      server.closeAllConnections();
      for (const socket of sockets.clients) socket.terminate();
    }, drainMs);
    await closed;
    clearTimeout(timer);
    await dispose();
  }
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    const taken = hasErrorCode(error, 'EADDRINUSE'); // by whom may end: the configuration is not at fault
    const why = taken
      ? 'another program listens there; choose another port'
      : `it cannot be used: ${sentenceOf(error)}`;
    throw new SandboxError(taken ? 'SANDBOX001' : 'SANDBOX008', `ERGON_SANDBOX_PORT: ${host}:${port}: ${why}.`, {
      cause: error,
    });
  }
}
