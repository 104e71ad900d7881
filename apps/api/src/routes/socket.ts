import type { Execution, Logger, Sandbox, SandboxRunner } from '@ergon/sandbox-core';
import { isSandboxError, parseInput, SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type { Request, Router } from 'express';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { HttpError } from '../http/problem.js';
import { aboutSandbox } from '../http/request-context.js';
import { resource } from '../http/resource.js';
import { asksForUpgrade, takeUpgrade, upgradeOf } from '../http/upgrade.js';
import type { Upgrade } from '../http/upgrade.js';
import { sandboxIdSchema } from '../wire/requests.js';
import { socketQuerySchema } from '../ws/messages.js';
import { SandboxSession } from '../ws/session.js';
import type { SessionOptions } from '../ws/session.js';
import { requireEvents } from './execute.js';

/** As much as the body of `POST /execute` may have. */
const maxMessageBytes = 16 * 1024 * 1024;

/** The WebSockets of a server: its own, so that it can end those whose clients do not answer. */
export function createWebSocketServer(): WebSocketServer {
  return new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes, perMessageDeflate: false });
}

/** `WS /ws/{sandbox_id}`: commands, their input, their output. */
export function socketRoutes(router: Router, runner: SandboxRunner, sockets: WebSocketServer, logger: Logger): void {
  resource(
    router,
    '/ws/:sandbox_id',
    {
      get: async (request, response) => {
        if (!asksForUpgrade(request)) {
          throw new HttpError(426, 'WebSocket needed', 'This is the address of a WebSocket.', {
            headers: { Upgrade: 'websocket' },
          });
        }
        const { sandbox_id: sandboxId } = parseInput(sandboxIdSchema, request.params);
        aboutSandbox(sandboxId);
        const { after, raw = false, all = false } = parseInput(socketQuerySchema, request.query);
        const left = new AbortController();
        const view = await viewOf(runner, sandboxId, after ?? null, left.signal);
        const upgrade = upgradeOf(request);
        const { socket } = upgrade;
        socket.once('close', () => left.abort());
        shakeHands(sockets, request, upgrade, (webSocket) => {
          takeUpgrade(upgrade);
          socket.once('close', () => response.emit('close')); // for the log
          const session = new SandboxSession({
            connection: { webSocket, socket },
            ...view,
            raw,
            all,
            left: left.signal,
            logger,
          });
          void session.run();
        });
      },
    },
    { head: false },
  );
}

/** @throws HttpError what ws has against the handshake, which it says before it returns */
function shakeHands(
  sockets: WebSocketServer,
  request: Request,
  { socket, head }: Upgrade,
  agreed: (webSocket: WebSocket) => void,
): void {
  let refusal: Error | null = null;
  const refuse = (error: Error): void => {
    refusal = error;
  };
  sockets.on('wsClientError', refuse);
  sockets.handleUpgrade(request, socket, head, agreed);
  sockets.off('wsClientError', refuse);
  if (refusal === null) return;
  throw new HttpError(400, 'Bad WebSocket handshake', `${sentenceOf(refusal)}.`, {
    headers: { 'Sec-WebSocket-Version': '13, 8' },
  });
}

/**
 * What a client is to see: the rest of the execution that it saw last, if it names one, and then the sandbox's current one and all later.
 * @throws SandboxError SANDBOX006 where nothing of the sandbox is left to see
 */
async function viewOf(
  runner: SandboxRunner,
  sandboxId: string,
  after: { readonly executionId: string; readonly seq: number } | null,
  signal: AbortSignal,
): Promise<Pick<SessionOptions, 'sandbox' | 'parts' | 'executions'>> {
  const sandbox = find(runner, sandboxId, after !== null);
  if (after === null) return { sandbox, parts: [], executions: sandbox?.follow(signal) ?? none() };
  const seen = await runner.execution(after.executionId);
  if (seen.sandboxId !== sandboxId) {
    throw new SandboxError('SANDBOX008', `after: ${after.executionId} is an execution of another sandbox.`, {
      field: 'after',
    });
  }
  const executions = sandbox?.follow(signal) ?? none(); // before the current one is looked at, so that none is missed
  const current = await runner.current(sandboxId);
  const parts = [
    { execution: seen, after: after.seq },
    ...(current === null || current.id === seen.id ? [] : [{ execution: current, after: 0 }]),
  ];
  for (const { execution } of parts) await requireEvents(runner, execution.id);
  return { sandbox, parts, executions };
}

function find(runner: SandboxRunner, sandboxId: string, orGone: boolean): Sandbox | null {
  try {
    return runner.sandbox(sandboxId);
  } catch (error) {
    if (orGone && isSandboxError(error) && error.code === 'SANDBOX006') return null;
    throw error;
  }
}

async function* none(): AsyncGenerator<Execution, void, undefined> {
  // nothing starts in a sandbox that is gone
}
