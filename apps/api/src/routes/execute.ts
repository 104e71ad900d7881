import { setTimeout as delay } from 'node:timers/promises';
import type { Execution, SandboxRunner } from '@ergon/sandbox-core';
import { isSandboxError, parseInput, SandboxError } from '@ergon/sandbox-core';
import type { Router } from 'express';
import { jsonBody } from '../http/body.js';
import { HttpError } from '../http/problem.js';
import { aboutSandbox } from '../http/request-context.js';
import { noQuery } from '../http/query.js';
import { resource } from '../http/resource.js';
import type { Part } from '../stream/event-stream.js';
import { sendEvents } from '../stream/event-stream.js';
import { executeRequestSchema, followQuerySchema, lastEventIdSchema } from '../wire/requests.js';

/** stdin comes whole in the body. */
const maxBodyBytes = 16 * 1024 * 1024;

type EventPlace = { readonly executionId: string; readonly seq: number } | null;

/** `POST /execute` runs a command and sends its events; `GET /execute`, for EventSource, follows and never runs a second. */
export function executeRoutes(router: Router, runner: SandboxRunner): void {
  resource(
    router,
    '/execute',
    {
      post: [
        noQuery,
        jsonBody(maxBodyBytes),
        async (request, response) => {
          const { sandboxId, raw, request: wish } = parseInput(executeRequestSchema, request.body);
          aboutSandbox(sandboxId);
          const execution = await runner.execute(sandboxId, wish);
          await requireEvents(runner, execution.id);
          await sendEvents(response, [{ execution, after: 0 }], { raw, certain: true });
        },
      ],
      get: async (request, response) => {
        const { sandbox_id: sandboxId } = parseInput(followQuerySchema, request.query);
        aboutSandbox(sandboxId);
        const { 'last-event-id': last } = parseInput(lastEventIdSchema, request.headers);
        const current = await currentOrFirst(runner, sandboxId);
        const parts = await partsAfter(runner, sandboxId, current, last);
        await sendEvents(response, parts, { certain: isRunning(runner, sandboxId) });
      },
    },
    { head: false },
  );
}

/**
 * The execution that runs in a sandbox or ran last; where none ever did, the solution's command is started. Its id follows from the
 * sandbox's, so that readers who come at the same time start one together.
 */
async function currentOrFirst(runner: SandboxRunner, sandboxId: string): Promise<Execution> {
  for (;;) {
    const current = await runner.current(sandboxId);
    if (current !== null) return current;
    try {
      return await runner.execute(sandboxId, { executionId: `first-${sandboxId}` });
    } catch (error) {
      // Another caller's command is being started at this moment, and will be the current one in a few milliseconds.
      if (!isSandboxError(error) || error.code !== 'SANDBOX007') throw error;
      await delay(2);
    }
  }
}

/** What a reader has not seen yet: the rest of the execution that it followed, then the sandbox's current one. */
async function partsAfter(
  runner: SandboxRunner,
  sandboxId: string,
  current: Execution,
  last: EventPlace,
): Promise<readonly Part[]> {
  await requireEvents(runner, current.id);
  if (last === null) return [{ execution: current, after: 0 }];
  if (last.executionId === current.id) return [{ execution: current, after: last.seq }];
  const earlier = await runner.execution(last.executionId);
  if (earlier.sandboxId !== sandboxId) {
    throw new SandboxError('SANDBOX008', `last-event-id: ${last.executionId} is an execution of another sandbox.`, {
      field: 'last-event-id',
    });
  }
  await requireEvents(runner, earlier.id);
  return [
    { execution: earlier, after: last.seq },
    { execution: current, after: 0 },
  ];
}

/** @throws HttpError 410 when an execution's events are no longer kept. */
export async function requireEvents(runner: SandboxRunner, executionId: string): Promise<void> {
  if (await runner.hasEvents(executionId)) return;
  throw new HttpError(410, 'Events gone', `The events of execution ${executionId} are no longer kept.`, {
    code: 'SANDBOX006',
  });
}

function isRunning(runner: SandboxRunner, sandboxId: string): boolean {
  return runner
    .active()
    .some((sandbox) => sandbox.sandboxId === sandboxId && ['preparing', 'running'].includes(sandbox.status));
}
