import type { LimitName, SandboxLimits } from '../contract/config.js';
import type { SandboxMetrics, SandboxResult } from '../contract/result.js';
import type { TestResultRecord } from '../contract/solution.js';
import type { ResourceUsage } from '../contract/usage.js';
import type { HistoryRow } from '../runner/history.js';
import type { ActiveSandbox } from '../runner/runner.js';
import type { StoredVolume } from '../runner/volume-store.js';

/** What JSON.stringify takes. */
export type Json = Readonly<Record<string, unknown>>;

/** To the microsecond. */
const seconds = (ms: number | null): number | null => (ms === null ? null : Math.round(ms * 1000) / 1e6);

/** Times in seconds, sizes in bytes. */
export function usageToWire(usage: ResourceUsage): Json {
  return {
    cpu_time: seconds(usage.cpuTimeMs),
    memory: usage.memoryBytes,
    memory_peak: usage.memoryPeakBytes,
    pids: usage.pids,
    disk: usage.diskBytes,
    ...ioToWire(usage),
  };
}

/** Absent is not measured. */
function ioToWire(usage: Partial<ResourceUsage>): Json {
  return {
    network_received: usage.networkReceivedBytes ?? null,
    network_sent: usage.networkSentBytes ?? null,
    disk_read: usage.diskReadBytes ?? null,
    disk_written: usage.diskWrittenBytes ?? null,
  };
}

const wireName = (limit: string): string => limit.replaceAll('-', '_');

export function limitsByWireName(limits: Readonly<Partial<Record<LimitName, number>>>): Json {
  return Object.fromEntries(Object.entries(limits).map(([limit, value]) => [wireName(limit), value]));
}

/** Limits of a sandbox by the fields of a request; sizes in bytes, the time in seconds. */
export function limitsToWire(limits: SandboxLimits): Json {
  return {
    timeout: seconds(limits.timeoutMs),
    memory_limit: limits.memoryBytes,
    cpu_limit: limits.cpus,
    disk_limit: limits.diskBytes,
    pids_limit: limits.pids,
    output_limit: limits.outputBytes,
  };
}

function metricsToWire(metrics: SandboxMetrics): Json {
  return {
    provider: metrics.provider,
    wall_time: seconds(metrics.wallTimeMs),
    cpu_time: seconds(metrics.cpuTimeMs),
    memory_peak: metrics.memoryPeakBytes,
    ...ioToWire(metrics),
    prepare_time: seconds(metrics.prepareTimeMs),
    samples: metrics.samples.map(({ at, ...usage }) => ({ at: Math.round(at), ...usageToWire(usage) })),
  };
}

/** All but stdout and stderr, which may be too long for one piece: those who send them add them. */
export function resultToWire(result: Omit<SandboxResult, 'stdout' | 'stderr'>): Json {
  return {
    sandbox_id: result.sandboxId,
    solution_id: result.solutionId,
    execution_id: result.executionId,
    status: result.status,
    exit_code: result.exitCode,
    execution_time: seconds(result.executionTimeMs),
    truncated: result.truncated,
    metrics: metricsToWire(result.metrics),
    errors: result.errors,
    files: result.files,
    cause: result.cause,
    signal: result.signal,
    limits_hit: result.limitsHit.map(({ limit, ...hit }) => ({ limit: wireName(limit), ...hit })),
  };
}

/** A row of `GET /history`. */
export function historyRowToWire(row: HistoryRow): Json {
  return {
    execution_id: row.executionId,
    sandbox_id: row.sandboxId,
    solution_id: row.solutionId,
    status: row.status,
    exit_code: row.exitCode,
    started: row.started,
    execution_time: seconds(row.executionTimeMs),
    provider: row.provider,
  };
}

/** A row of `GET /active`. */
export function activeToWire(sandbox: ActiveSandbox): Json {
  return {
    sandbox_id: sandbox.sandboxId,
    solution_id: sandbox.solutionId,
    status: sandbox.status,
    provider: sandbox.provider,
    started: sandbox.started,
  };
}

/** A row of `GET /volumes`. */
export function volumeToWire(volume: StoredVolume): Json {
  return {
    solution_id: volume.solutionId,
    name: volume.name,
    provider: volume.provider,
    size: volume.sizeBytes,
    limit: volume.limitBytes,
    created: volume.created,
    in_use: volume.inUse,
  };
}

/** A test result of a unit of the registry. */
export function testResultToWire(record: TestResultRecord): Json {
  return {
    execution_id: record.executionId,
    timestamp: record.timestamp,
    status: record.status,
    exit_code: record.exitCode,
    execution_time: seconds(record.executionTimeMs),
    provider: record.provider,
    errors: record.errors,
  };
}
