import type { ExecutionEvent, ResourceUsage, SandboxResult } from '@ergon/sandbox-core';

/** To the microsecond. */
const seconds = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 1000) / 1e6);

const usageToWire = (usage: ResourceUsage): object => ({
  cpu_time: seconds(usage.cpuTimeMs),
  memory: usage.memoryBytes,
  memory_peak: usage.memoryPeakBytes,
  pids: usage.pids,
  disk: usage.diskBytes,
});

/** A result as a server's `GET /results/{sandbox_id}` has it. */
export function resultToWire(result: SandboxResult): Record<string, unknown> {
  const { metrics } = result;
  return {
    sandbox_id: result.sandboxId,
    solution_id: result.solutionId,
    execution_id: result.executionId,
    status: result.status,
    exit_code: result.exitCode,
    execution_time: seconds(result.executionTimeMs),
    stdout: result.stdout,
    stderr: result.stderr,
    truncated: result.truncated,
    metrics: {
      provider: metrics.provider,
      wall_time: seconds(metrics.wallTimeMs),
      cpu_time: seconds(metrics.cpuTimeMs),
      memory_peak: metrics.memoryPeakBytes,
      prepare_time: seconds(metrics.prepareTimeMs),
      samples: metrics.samples.map(({ at, ...usage }) => ({ at: Math.round(at), ...usageToWire(usage) })),
    },
    errors: result.errors,
    files: result.files,
    cause: result.cause,
    signal: result.signal,
    limits_hit: result.limitsHit.map(({ limit, ...hit }) => ({ limit: limit.replaceAll('-', '_'), ...hit })),
  };
}

/** An event as a server's `GET /executions/{execution_id}/events` has it. */
export function eventToWire(executionId: string, event: ExecutionEvent): object {
  const id = `${executionId}:${event.seq}`;
  const { at } = event;
  switch (event.type) {
    case 'line':
      return {
        id,
        type: 'output',
        line: `[${event.stream}] ${event.line}`,
        stream: event.stream,
        at,
        ...(event.partial && { partial: true }),
      };
    case 'data':
      return { id, type: 'data', stream: event.stream, data: Buffer.from(event.data).toString('base64'), at };
    case 'sample':
      return { id, type: 'metrics', at, ...usageToWire(event.usage) };
    case 'end':
      return { id, type: 'complete', status: event.status, exit_code: event.exitCode, cause: event.cause, at };
    default:
      return { id, ...event, seq: undefined };
  }
}
