import { transfersOf, usageOf } from './events/event.js';
import type { Cause, Status, Usage } from './events/event.js';
import type { components } from './wire/openapi.js';

type Schemas = components['schemas'];

export interface Metrics {
  readonly provider: string;
  /** Seconds. Null: not measured. */
  readonly wallTime: number | null;
  readonly cpuTime: number | null;
  /** Bytes. */
  readonly memoryPeak: number | null;
  /** Bytes, as of {@link Usage}. */
  readonly networkReceived: number | null;
  readonly networkSent: number | null;
  readonly diskRead: number | null;
  readonly diskWritten: number | null;
  /** Seconds. */
  readonly prepareTime: number | null;
  /** `at` in milliseconds since the start. */
  readonly samples: readonly (Usage & { readonly at: number })[];
}

/** What is known of a sandbox and one of its executions; nulls where nothing ran. */
export interface Result {
  readonly sandboxId: string;
  readonly solutionId: string;
  readonly executionId: string | null;
  readonly status: Status;
  /** A number that was seen; 128 + n for a signal n that the program met by itself. Null: ended by the server, or never started. */
  readonly exitCode: number | null;
  readonly cause: Cause | null;
  readonly signal: string | null;
  /** Seconds. */
  readonly executionTime: number | null;
  readonly stdout: string | null;
  readonly stderr: string | null;
  /** More was written than is kept. */
  readonly truncated: boolean;
  /** Sentences. */
  readonly errors: readonly string[];
  readonly limitsHit: readonly { readonly limit: string; readonly value: number; readonly evidence: string }[];
  /** Paths below /output. Null: not collected. */
  readonly files: readonly string[] | null;
  readonly metrics: Metrics;
}

/** How a command ended. A wrong exit code is no error, but what happened. */
export interface CommandResult extends Result {
  readonly executionId: string;
  readonly stdout: string;
  readonly stderr: string;
  /** The timeout of the sandbox, or of the call, has ended it. */
  readonly timedOut: boolean;
}

export function resultOf(wire: Schemas['Result']): Result {
  const { provider, wall_time, cpu_time, memory_peak, prepare_time, samples } = wire.metrics;
  return {
    sandboxId: wire.sandbox_id,
    solutionId: wire.solution_id,
    executionId: wire.execution_id,
    status: wire.status,
    exitCode: wire.exit_code,
    cause: wire.cause,
    signal: wire.signal,
    executionTime: wire.execution_time,
    stdout: wire.stdout,
    stderr: wire.stderr,
    truncated: wire.truncated,
    errors: wire.errors,
    limitsHit: wire.limits_hit.map(({ limit, value, evidence }) => ({ limit, value, evidence })),
    files: wire.files,
    metrics: {
      provider,
      wallTime: wall_time,
      cpuTime: cpu_time,
      memoryPeak: memory_peak,
      ...transfersOf(wire.metrics),
      prepareTime: prepare_time,
      samples: samples.map((sample) => ({ at: sample.at, ...usageOf(sample) })),
    },
  };
}

/** Null: it goes on. */
export function endOf(wire: Schemas['Result'], executionId: string): CommandResult | null {
  if (['preparing', 'ready', 'running'].includes(wire.status)) return null;
  const result = resultOf(wire);
  const { stdout, stderr, status } = result;
  return { ...result, executionId, stdout: stdout ?? '', stderr: stderr ?? '', timedOut: status === 'timeout' };
}
