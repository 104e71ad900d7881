import type { Express } from 'express';
import express from 'express';
import type { DependencyContainer } from 'tsyringe';
import { problemAnswer, requestLog, unknownRoute } from './http/answers.js';
import { guard } from './http/guard.js';
import { registryRoutes } from './routes/registry.js';
import { sandboxRoutes } from './routes/sandbox.js';
import { tokens } from './tokens.js';

/** The HTTP application over what the container holds: all of {@link tokens}, the runner started. */
export function createApp(container: DependencyContainer): Express {
  const logger = container.resolve(tokens.logger);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(requestLog(logger));
  app.use(guard(container.resolve(tokens.config)));
  app.use('/api/ergon/sandbox', sandboxRoutes(container.resolve(tokens.runner), container.resolve(tokens.factory)));
  app.use('/api/ergon/registry', registryRoutes(container.resolve(tokens.registry)));
  app.use(unknownRoute);
  app.use(problemAnswer(logger));
  return app;
}
