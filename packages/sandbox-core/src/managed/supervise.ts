import { sentenceOf } from '../contract/error.js';
import type { ExecuteOptions, ExecutionEnd, LimitHit, OutputChunk } from '../contract/provider.js';
import type { EndCause } from '../contract/status.js';
import { unmeasuredUsage } from '../contract/usage.js';
import type { ResourceUsage } from '../contract/usage.js';
import type { Deadline } from './deadline.js';
import { feed, resize } from './input.js';
import type { CommandSpec, SandboxProcess } from './process.js';

interface RunHooks {
  spawn(run: CommandSpec): Promise<SandboxProcess>;
  measure(): Promise<ResourceUsage>;
  readonly deadline: Deadline;
}

/**
 * Runs one command with its deadline, its stop and its samples, yields its output, and returns its end once the tree is gone. The
 * first cause wins: a deadline that passes while a stop is on its way changes nothing.
 */
export async function* superviseRun(
  command: readonly string[],
  environment: Readonly<Record<string, string>>,
  options: ExecuteOptions,
  sampleEveryMs: number,
  hooks: RunHooks,
): AsyncGenerator<OutputChunk, ExecutionEnd, undefined> {
  const { killGraceMs = 1000, report = () => undefined } = options;
  const { deadline } = hooks;
  const limitsHit: LimitHit[] = [];
  const starting = new AbortController();
  let cause: EndCause | null = null;
  let process: SandboxProcess | null = null;
  let gone = false;
  let ended = false;
  const timers = new Set<NodeJS.Timeout>();
  const after = (ms: number, action: () => void): void => {
    timers.add(setTimeout(action, ms));
  };
  const clearTimers = (): void => {
    deadline.clear();
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
  };
  const kill = (signal: 'SIGTERM' | 'SIGKILL'): void => {
    process?.kill(signal).catch((error: unknown) => {
      report({ type: 'notice', message: `${signal} could not be sent: ${sentenceOf(error)}` });
    });
  };
  const finish = (why: EndCause, graceMs: number): void => {
    if (cause !== null || gone) return;
    cause = why;
    starting.abort();
    if (graceMs > 0) kill('SIGTERM');
    after(graceMs, () => {
      kill('SIGKILL');
    });
  };
  const stop = (): void => {
    finish('stopped', killGraceMs);
  };

  if (options.signal?.aborted === true) return neverStarted('stopped', 'The run was stopped before it started.');
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    try {
      process = await hooks.spawn({
        command,
        environment,
        stdin: options.stdin !== undefined,
        ...(options.tty && { tty: options.tty }),
        signal: starting.signal,
        report,
        exceeded: (hit) => {
          if (cause === null) limitsHit.push(hit);
          finish('limit', 0);
        },
      });
    } catch (error) {
      return neverStarted(cause ?? 'not-started', sentenceOf(error));
    }
    const running = process;
    report({ type: 'phase', phase: 'started' });
    const over = running.gone.then(() => {
      // What comes after is measuring: it takes its time, and no deadline counts it.
      gone = true;
      clearTimers();
      report({ type: 'phase', phase: 'ended' });
    });
    if (cause !== null)
      kill('SIGKILL'); // stopped while it was starting
    else {
      deadline.start(() => {
        finish('timeout', killGraceMs);
      });
    }
    const stopSampling = sample(hooks, report, sampleEveryMs, () => gone);
    const feeding = Promise.all([feed(running, options, report), resize(running, options, report)]);
    try {
      yield* running.output;
      await over;
      const end = await running.ended;
      ended = true;
      await stopSampling();
      await feeding;
      return merge(end, cause, limitsHit);
    } finally {
      // The reader left: the run ends with it.
      if (!ended) stop();
      await stopSampling();
      await running.ended;
    }
  } finally {
    options.signal?.removeEventListener('abort', stop);
    clearTimers();
  }
}

function neverStarted(cause: EndCause, reason: string): ExecutionEnd {
  return { cause, exitCode: null, signal: null, limitsHit: [], usage: unmeasuredUsage, reason };
}

/** The provider's account of the end, with our own cause where we ended it, and the memory limit's where the kernel did. */
function merge(end: ExecutionEnd, ours: EndCause | null, ourHits: readonly LimitHit[]): ExecutionEnd {
  const limitsHit = [...ourHits, ...end.limitsHit];
  if (end.cause === 'lost' || end.cause === 'not-started') {
    return { ...end, cause: end.cause === 'not-started' && ours !== null ? ours : end.cause, limitsHit };
  }
  if (ours !== null) {
    // 128 + n of the signals that we sent is how a shell or an init reports them: no number that the program chose.
    const byItself = end.cause === 'exited' && end.exitCode !== 128 + 15 && end.exitCode !== 128 + 9;
    return { ...end, cause: ours, exitCode: byItself ? end.exitCode : null, limitsHit };
  }
  const outOfMemory = limitsHit.some((hit) => hit.limit === 'memory');
  return { ...end, cause: outOfMemory ? 'limit' : end.cause, limitsHit };
}

/** Reports usage now and then; the returned function stops it and waits for a measurement under way. */
function sample(
  hooks: RunHooks,
  report: CommandSpec['report'],
  everyMs: number,
  isOver: () => boolean,
): () => Promise<void> {
  let pending: Promise<void> | null = null;
  let told = false;
  const measure = async (): Promise<void> => {
    try {
      report({ type: 'sample', usage: await hooks.measure() });
    } catch (error) {
      if (told || isOver()) return; // what has ended can't be measured any more
      told = true;
      report({ type: 'notice', message: `The usage could not be measured: ${sentenceOf(error)}` });
    }
  };
  const timer = setInterval(() => {
    if (!isOver()) pending ??= measure().finally(() => (pending = null));
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await pending;
  };
}
