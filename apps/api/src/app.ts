import type { Express } from 'express';
import express from 'express';
import type { DependencyContainer } from 'tsyringe';
import type { WebSocketServer } from 'ws';
import { Access } from './http/access.js';
import { problemAnswer, requestLog, unknownRoute } from './http/answers.js';
import { guard } from './http/guard.js';
import { registryBase, sandboxBase } from './openapi/document.js';
import { referenceRoutes } from './routes/reference.js';
import { registryRoutes } from './routes/registry.js';
import { sandboxRoutes } from './routes/sandbox.js';
import { createWebSocketServer } from './routes/socket.js';
import { volumeRoutes } from './routes/volumes.js';
import { tokens } from './tokens.js';

/**
 * The HTTP application over what the container holds: all of {@link tokens}, the runner started. Its WebSockets need a server with
 * {@link acceptUpgrades}.
 */
export function createApp(container: DependencyContainer, sockets: WebSocketServer = createWebSocketServer()): Express {
  const logger = container.resolve(tokens.logger);
  const config = container.resolve(tokens.config);
  const runner = container.resolve(tokens.runner);
  const access = new Access(config.token, runner);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requestLog(logger));
  app.use(guard(config));
  app.use(referenceRoutes());
  app.use(access.check);
  app.use(sandboxBase, volumeRoutes(runner)); // before what takes `volumes` for the id of a sandbox
  app.use(
    sandboxBase,
    sandboxRoutes({
      runner,
      factory: container.resolve(tokens.factory),
      access,
      sockets,
      logger,
      dataDir: config.dataDir,
    }),
  );
  app.use(registryBase, registryRoutes(container.resolve(tokens.registry), runner));
  app.use(unknownRoute);
  app.use(problemAnswer(logger));
  return app;
}
