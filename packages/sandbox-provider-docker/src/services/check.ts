import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { bounded, unlessAborted } from '../engine/bounded.js';
import type { Engine } from '../engine/engine.js';
import { isEngineFailure } from '../engine/errors.js';
import { onFrames } from '../streams/framed.js';

/** Of what a check writes. */
const KEPT = 500;
/** An engine knows the exit code a little later than the end of the output. */
const EXIT_MS = 5000;

export interface CheckCommand {
  readonly container: string;
  readonly test: readonly string[];
  readonly uid: number;
  readonly timeoutMs: number;
  /** One that took too long is waited for so long, from its start: there is never another beside it. */
  readonly giveUpMs: number;
}

/**
 * Runs a health check in a service's container. One that takes too long has failed; nothing can end it but the container.
 * @returns null when it succeeded, else why not, a clause
 * @throws SandboxError SANDBOX011 for an engine that does not answer; the signal's reason
 */
export async function check(engine: Engine, command: CheckCommand, signal: AbortSignal): Promise<string | null> {
  const { container, test, uid, timeoutMs, giveUpMs } = command;
  const over = AbortSignal.timeout(Math.ceil(timeoutMs)); // parts of a millisecond are refused
  const given = performance.now() + giveUpMs;
  let exec: string | null = null;
  try {
    exec = await engine.execs.create(container, { command: test, user: uid });
    signal.throwIfAborted();
    const socket = await engine.execs.start(exec, false);
    let said = '';
    onFrames(socket, ({ data }) => (said = (said + data.toString()).slice(-KEPT)));
    socket.on('error', () => undefined); // 'close' follows
    socket.end();
    try {
      if (!socket.closed) await unlessAborted(once(socket, 'close'), AbortSignal.any([signal, over]));
    } finally {
      socket.destroy();
    }
    const code = await exitCode(engine, exec, signal);
    if (code === 0) return null;
    const words = said.trim().replaceAll(/\s+/g, ' ');
    return `its check ended with ${code ?? 'no exit code'}${words === '' ? '' : `: ${words}`}`;
  } catch (error) {
    signal.throwIfAborted();
    if (over.aborted) {
      while (exec !== null && performance.now() < given && (await engine.execs.state(exec))?.running === true) {
        await delay(100, undefined, { signal });
      }
      return `its check took longer than ${timeoutMs / 1000} s`;
    }
    if (isEngineFailure(error) && error.status !== null) return `its check could not be run: ${error.message}`;
    throw error;
  }
}

async function exitCode(engine: Engine, exec: string, signal: AbortSignal): Promise<number | null> {
  return bounded(EXIT_MS, signal, async (over) => {
    for (;;) {
      const state = await engine.execs.state(exec);
      if (state?.running !== true) return state?.exitCode ?? null;
      await delay(20, undefined, { signal: over });
    }
  });
}
