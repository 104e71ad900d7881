import type { Logger, SandboxFactory, SandboxRunner } from '@ergon/sandbox-core';
import {
  activeToWire,
  historyRowToWire,
  limitsToWire,
  parseInput,
  SandboxError,
  sentenceOf,
} from '@ergon/sandbox-core';
import type { Request } from 'express';
import { Router } from 'express';
import type { WebSocketServer } from 'ws';
import type { Access } from '../http/access.js';
import { emptyBody, jsonBody } from '../http/body.js';
import { leftSignal } from '../http/left.js';
import { aboutSandbox } from '../http/request-context.js';
import { noQuery } from '../http/query.js';
import { resource } from '../http/resource.js';
import { sendEventsArray } from '../stream/events-array.js';
import { sendResult } from '../stream/result-body.js';
import { providerToWire } from '../wire/providers.js';
import {
  eventsQuerySchema,
  executionIdSchema,
  historyQuerySchema,
  limitsSchema,
  resultsQuerySchema,
  sandboxIdSchema,
  testRequestSchema,
  ticketRequestSchema,
} from '../wire/requests.js';
import { executeRoutes, requireEvents } from './execute.js';
import { fileRoutes } from './files.js';
import { outputFileRoutes } from './output-files.js';
import { socketRoutes } from './socket.js';

const maxBodyBytes = 1024 * 1024;

export interface SandboxRoutesPorts {
  readonly runner: SandboxRunner;
  readonly factory: SandboxFactory;
  readonly access: Access;
  readonly sockets: WebSocketServer;
  readonly logger: Logger;
  /** Where an upload that has to be there as a whole may lie. */
  readonly dataDir: string;
}

/** Everything under `/api/ergon/sandbox`. */
export function sandboxRoutes({ runner, factory, access, sockets, logger, dataDir }: SandboxRoutesPorts): Router {
  const router = Router({ caseSensitive: true });

  resource(router, '/test', {
    post: [
      noQuery,
      jsonBody(maxBodyBytes),
      async (request, response) => {
        const { solutionId, request: wish } = parseInput(testRequestSchema, request.body);
        const left = leftSignal(response);
        const { id, selection } = await runner.open(solutionId, wish);
        aboutSandbox(id);
        const leave = (): void => {
          if (!response.writableFinished) removeUntold(runner, id, logger);
        };
        if (left.aborted) {
          leave();
          return;
        }
        left.addEventListener('abort', leave);
        response.json({ sandbox_id: id, provider: selection.provider, selection });
      },
    ],
  });
  executeRoutes(router, runner);
  socketRoutes(router, runner, sockets, logger);
  outputFileRoutes(router, runner);
  resource(router, '/ticket', {
    post: [
      noQuery,
      jsonBody(maxBodyBytes),
      (request, response) => {
        const { sandbox_id: sandboxId } = parseInput(ticketRequestSchema, request.body);
        aboutSandbox(sandboxId);
        response.json(access.issue(sandboxId));
      },
    ],
  });
  resource(router, '/active', {
    get: [
      noQuery,
      (_request, response) => {
        response.json(runner.active().map(activeToWire));
      },
    ],
  });
  resource(router, '/history', {
    get: (request, response) => {
      response.json(runner.history(parseInput(historyQuerySchema, request.query)).map(historyRowToWire));
    },
  });
  resource(router, '/cleanup-all', {
    post: [
      noQuery,
      ...emptyBody(),
      async (_request, response) => {
        response.json({ cleaned: await runner.cleanupAll() });
      },
    ],
  });
  resource(router, '/providers', {
    get: [
      noQuery,
      async (_request, response) => {
        const providers = Object.entries(await factory.status());
        response.json(Object.fromEntries(providers.map(([name, status]) => [name, providerToWire(status)])));
      },
    ],
  });
  resource(router, '/health', {
    get: [
      noQuery,
      async (_request, response) => {
        const providers = Object.entries(await factory.status());
        const healthy = providers.some(([, { available }]) => available);
        response.json({
          status: healthy ? 'healthy' : 'unhealthy',
          providers: Object.fromEntries(providers.map(([name, { available }]) => [name, available])),
        });
      },
    ],
  });
  resource(router, '/executions/:execution_id/events', {
    get: async (request, response) => {
      const { execution_id: id } = parseInput(executionIdSchema, request.params);
      const { after, raw = false } = parseInput(eventsQuerySchema, request.query);
      if (after?.executionId != null && after.executionId !== id) {
        throw new SandboxError('SANDBOX008', 'after: is an event of another execution.', { field: 'after' });
      }
      const execution = await runner.execution(id);
      aboutSandbox(execution.sandboxId);
      await requireEvents(runner, id);
      await sendEventsArray(response, execution, { after: after?.seq ?? 0, raw });
    },
  });
  resource(router, '/results/:sandbox_id', {
    get: async (request, response) => {
      const id = sandboxIdOf(request);
      const { execution_id: executionId, wait = 0 } = parseInput(resultsQuerySchema, request.query);
      const signal = leftSignal(response);
      const result = await runner.results(id, {
        waitMs: wait * 1000,
        signal,
        ...(executionId !== undefined && { executionId }),
      });
      if (!signal.aborted) await sendResult(response, result);
    },
  });
  // A variable of a shell that is not set makes such an address, which would else be that of a sandbox of this name.
  for (const [path, field] of Object.entries({
    '/results': 'sandbox_id',
    '/ws': 'sandbox_id',
    '/executions': 'execution_id',
  })) {
    router.all(path, () => {
      throw new SandboxError('SANDBOX008', `${field}: is missing in the path.`, { field });
    });
  }
  fileRoutes(router, runner, dataDir);
  resource(router, '/:sandbox_id/stop', {
    post: [
      noQuery,
      ...emptyBody(),
      async (request, response) => {
        response.json({ success: true, stopped: await runner.stop(sandboxIdOf(request)) });
      },
    ],
  });
  resource(router, '/:sandbox_id', {
    delete: [
      noQuery,
      async (request, response) => {
        await runner.cleanup(sandboxIdOf(request));
        response.json({ success: true });
      },
    ],
    patch: [
      noQuery,
      jsonBody(maxBodyBytes),
      async (request, response) => {
        const sandbox = runner.sandbox(sandboxIdOf(request));
        const { limits, notes } = await sandbox.adjust(parseInput(limitsSchema, request.body));
        response.json({ success: true, limits: limitsToWire(limits), notes });
      },
    ],
  });
  return router;
}

/** Whoever asked for it has left before the answer, and knows no id to remove it by. */
function removeUntold(runner: SandboxRunner, id: string, logger: Logger): void {
  logger.info('A sandbox is removed: who asked for it has left before the answer');
  runner.cleanup(id).catch((error: unknown) => {
    logger.warn('A sandbox of which nobody was told cannot be removed', { error: sentenceOf(error) });
  });
}

function sandboxIdOf(request: Request): string {
  const { sandbox_id: id } = parseInput(sandboxIdSchema, request.params);
  aboutSandbox(id);
  return id;
}
