import { sentenceOf } from '../contract/error.js';
import type { ExecutionEvent, LogEntry } from '../contract/events.js';
import type { ExecuteOptions, ExecutionEnd, LimitHit, SandboxProvider, TtySize } from '../contract/provider.js';
import type { Report } from '../contract/report.js';
import type { SandboxResult, UsageSample } from '../contract/result.js';
import { statusOfEnd } from '../contract/status.js';
import { unmeasuredUsage } from '../contract/usage.js';
import { describeLimit } from '../config/limits.js';
import { formatSize } from '../config/size.js';
import type { EventLog } from '../execution/index.js';
import type { CollectedOutput } from './collect.js';
import { ioOf } from './io-of.js';
import type { StoredResult } from './journal.js';
import type { RunTimeout } from './run-timeout.js';
import { unlessAborted } from './unless-aborted.js';

/** How a reader follows an execution. */
export interface FollowOptions {
  /** Only events with a greater number. */
  readonly after?: number;
  /** Ends the reading, quietly. */
  readonly signal?: AbortSignal;
  /** `data` events (bytes as they came) instead of `line` events. @default false */
  readonly raw?: boolean;
}

/** What a caller holds of one run of a command. */
export interface Execution {
  readonly id: string;
  readonly sandboxId: string;
  /** It has not ended yet. */
  readonly running: boolean;
  /** Resolves when the run has ended and its result is kept. Never rejects because of the program. */
  readonly result: Promise<SandboxResult>;
  /** Batches of numbered events, each reader on its own; finishes after the `end` event. */
  events(options?: FollowOptions): AsyncIterable<readonly ExecutionEvent[]>;
  /** Ends the run; resolves when it has ended. */
  stop(): Promise<void>;
  /** The program has a terminal: read its events as `data`. */
  readonly tty: boolean;
  /**
   * Writes to the program's stdin; resolves once the program's side has taken it.
   * @throws SandboxError SANDBOX008 when no stdin was asked for, its end was sent, or the program takes no more; SANDBOX004 when too much waits
   */
  write(data: Uint8Array): Promise<void>;
  /** Ends the program's stdin, after what was written. @throws SandboxError SANDBOX008 when no stdin was asked for */
  closeInput(): Promise<void>;
  /** @throws SandboxError SANDBOX008 when the program has no terminal, or has ended */
  resize(size: TtySize): Promise<void>;
}

export interface RunSpec {
  readonly executionId: string;
  readonly sandboxId: string;
  readonly solutionId: string;
  readonly command: readonly string[];
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly tty?: ExecuteOptions['tty'];
  readonly timeout: RunTimeout;
  readonly killGraceMs: number;
}

/** How far a run has come; read while it goes on. */
export class RunProgress {
  readonly #begun = performance.now();
  /** The program's start, in ms since the execution's. Null: not yet. */
  startedAt: number | null = null;
  /** When its processes were gone, in the same. Null: not yet. */
  endedAt: number | null = null;
  /** At most 120: when full, every second one goes. */
  readonly samples: UsageSample[] = [];

  /** ms since the execution's start. */
  now(): number {
    return performance.now() - this.#begun;
  }

  /** ms from the program's start to its end, or until now. */
  elapsedMs(): number | null {
    return this.startedAt === null ? null : (this.endedAt ?? this.now()) - this.startedAt;
  }

  add(sample: UsageSample): void {
    const { samples } = this;
    if (samples.length >= maxSamples)
      samples.splice(0, samples.length, ...samples.filter((_, index) => index % 2 === 0));
    samples.push(sample);
  }
}

export interface RunPorts {
  readonly provider: SandboxProvider;
  readonly log: EventLog;
  readonly progress: RunProgress;
  /** Resolves with the time that the preparation took, in ms; rejects when it failed. */
  readonly ready: Promise<number>;
  /** Aborted to stop the run. */
  readonly signal: AbortSignal;
  /** Called when the program is about to run. */
  readonly onRunning: () => void;
  /** Keeps what the program left in /output; called once it has ended. Never rejects. */
  readonly collect: (end: ExecutionEnd) => Promise<CollectedOutput>;
  /** Keeps the result; called before any reader sees the end. */
  readonly commit: (result: StoredResult) => Promise<StoredResult>;
}

const maxSamples = 120;
/** How long after its deadline a provider may take to report the end, before the environment counts as lost, in ms. */
const backstopMs = 20_000;
/** How long a provider may take to measure and to tidy up after the program's end, in ms. */
const settleMs = 60_000;

/** Runs a command through a provider, its output and reports into the log, to its truthful end. Only a broken core makes it reject. */
export async function runExecution(
  spec: RunSpec,
  ports: RunPorts,
): Promise<{ result: StoredResult; end: ExecutionEnd }> {
  const { log, provider, progress } = ports;
  const backstop = new Backstop();
  let prepareTimeMs: number | null = null;
  const now = (): number => progress.now();
  const report = (entry: Report): void => {
    if (entry.type === 'phase' && entry.phase === 'started') progress.startedAt = now();
    if (entry.type === 'phase' && entry.phase === 'ended') {
      progress.endedAt = now();
      backstop.arm(settleMs);
    }
    if (entry.type === 'sample') progress.add({ at: now(), ...entry.usage });
    log.append(entry, now());
  };

  const run = async (): Promise<ExecutionEnd> => {
    try {
      prepareTimeMs = await unlessAborted(ports.ready, ports.signal, () => new Error('stopped'));
    } catch (error) {
      return neverStarted(
        ports.signal.aborted ? 'stopped' : 'not-started',
        ports.signal.aborted ? null : sentenceOf(error),
      );
    }
    ports.onRunning();
    log.append({ type: 'status', status: 'running' }, now());
    const base = now();
    const output = provider.execute(spec.sandboxId, spec.command, {
      timeoutMs: spec.timeout.ms,
      killGraceMs: spec.killGraceMs,
      signal: ports.signal,
      report,
      ...(spec.stdin !== undefined && { stdin: spec.stdin }),
      ...(spec.tty !== undefined && { tty: spec.tty }),
    });
    const iterator = output[Symbol.asyncIterator]();
    const ended = (async (): Promise<ExecutionEnd> => {
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
        const { stream, data, at } = next.value;
        const wait = log.output({ stream, data, at: at + (progress.startedAt ?? base) });
        if (wait !== undefined) await wait;
      }
      return provider.getResult(spec.sandboxId);
    })();
    const graceMs = spec.killGraceMs + backstopMs;
    const onAbort = (): void => {
      if (progress.endedAt === null) backstop.arm(graceMs);
    };
    const untilDeadline = (): number => Math.max(0, base + spec.timeout.ms - now());
    backstop.arm(untilDeadline() + graceMs);
    spec.timeout.onChange = () => {
      if (progress.endedAt === null && !ports.signal.aborted) backstop.arm(untilDeadline() + graceMs);
    };
    ports.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([ended, backstop.expired]);
    } finally {
      spec.timeout.onChange = () => undefined;
      backstop.clear();
      ports.signal.removeEventListener('abort', onAbort);
    }
  };

  const end = await run().catch((error: unknown): ExecutionEnd => lost(sentenceOf(error)));
  await log.flush(); // what could not be written is known from here on
  const endedAt = progress.endedAt ?? now();
  const executionTimeMs = end.cause === 'not-started' ? null : progress.elapsedMs();
  if (executionTimeMs !== null) {
    progress.add({ at: endedAt, ...end.usage });
    log.append({ type: 'sample', usage: end.usage }, endedAt);
  }
  const status = statusOfEnd(end);
  const collected = await ports.collect(end);
  const errors: Sentence[] = [...describeEnd(end, log), ...collected.errors.map((message) => ({ message }))];
  for (const { message, code } of errors) log.append({ type: 'error', message, ...(code && { code }) }, now());
  const seen: StoredResult = {
    sandboxId: spec.sandboxId,
    solutionId: spec.solutionId,
    executionId: spec.executionId,
    status,
    cause: end.cause,
    exitCode: end.exitCode,
    signal: end.signal,
    executionTimeMs,
    truncated: log.truncated || log.failure !== null,
    metrics: {
      provider: provider.name,
      wallTimeMs: executionTimeMs,
      cpuTimeMs: end.usage.cpuTimeMs,
      memoryPeakBytes: end.usage.memoryPeakBytes,
      ...ioOf(end.usage),
      prepareTimeMs,
      samples: progress.samples,
    },
    limitsHit: allHits(end, spec, log),
    errors: errors.map(({ message }) => message),
    files: collected.files,
  };
  const result = await ports.commit(seen);
  for (const message of result.errors.slice(seen.errors.length)) log.append({ type: 'error', message }, now());
  await log.end({ type: 'end', status, cause: end.cause, exitCode: end.exitCode }, now());
  return { result, end };
}

/** A provider that ignores its deadline, or a stop, must not hold the result for ever. */
class Backstop {
  readonly expired: Promise<ExecutionEnd>;
  #expire: (end: ExecutionEnd) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.expired = new Promise((resolve) => (this.#expire = resolve));
  }

  /** Sets it anew, from now on. In slices, so that a process that was held up for that long takes a look before it gives up. */
  arm(ms: number, slices = 10): void {
    this.clear();
    this.#timer = setTimeout(() => {
      if (slices > 1) this.arm((ms / slices) * (slices - 1), slices - 1);
      else this.#expire(lost('The provider did not report an end in time; what became of the program is not known.'));
    }, ms / slices);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}

function neverStarted(cause: 'stopped' | 'not-started', reason: string | null): ExecutionEnd {
  return { cause, exitCode: null, signal: null, limitsHit: [], usage: unmeasuredUsage, reason };
}

function lost(reason: string): ExecutionEnd {
  return { cause: 'lost', exitCode: null, signal: null, limitsHit: [], usage: unmeasuredUsage, reason };
}

function allHits(end: ExecutionEnd, spec: RunSpec, log: EventLog): readonly LimitHit[] {
  const hits = [...end.limitsHit];
  if (end.cause === 'timeout') {
    hits.push({ limit: 'wall-time', value: spec.timeout.ms, evidence: 'the deadline passed while it ran' });
  }
  if (log.truncated) {
    const evidence = `${String(log.discardedBytes)} bytes came after it and were discarded`;
    hits.push({ limit: 'output', value: log.outputLimitBytes ?? 0, evidence });
  }
  return hits;
}

interface Sentence {
  readonly message: string;
  readonly code?: LogEntryCode;
}
type LogEntryCode = Extract<LogEntry, { type: 'error' }>['code'];

/** What people should know of an end, in sentences. */
function describeEnd(end: ExecutionEnd, log: EventLog): Sentence[] {
  const sentences: Sentence[] = [];
  if (end.cause === 'timeout') sentences.push({ message: 'Execution timeout exceeded', code: 'SANDBOX003' });
  if (end.cause === 'lost') {
    sentences.push({ message: `The environment was lost: ${end.reason ?? 'no reason is known'}`, code: 'SANDBOX011' });
  }
  if (end.cause === 'not-started') {
    sentences.push({ message: `The command was not started: ${end.reason ?? 'no reason is known'}` });
  }
  for (const { limit, value, evidence } of end.limitsHit) {
    const message = `The ${limit} limit of ${describeLimit(limit, value)} was hit (${evidence}).`;
    sentences.push({ message, code: 'SANDBOX004' });
  }
  if (log.truncated) {
    const message =
      `The output passed its limit of ${formatSize(log.outputLimitBytes ?? 0)}; ` +
      `${String(log.discardedBytes)} bytes after it were discarded.`;
    sentences.push({ message, code: 'SANDBOX004' });
  }
  if (log.failure !== null) {
    sentences.push({ message: `The output could not all be kept: ${log.failure.message}`, code: 'SANDBOX004' });
  }
  return sentences;
}
