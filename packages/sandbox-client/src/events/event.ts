import { unexpected } from '../errors.js';
import type { ErrorCode } from '../errors.js';
import type { components } from '../wire/openapi.js';
import { isEvent } from '../wire/shapes.js';

type Schemas = components['schemas'];
export type Status = Schemas['Status'];
export type Cause = Schemas['Cause'];

interface Numbered {
  /** `<execution id>:<number>`, a name for ever. Numbers grow, and some are left out. */
  readonly id: string;
  /** Milliseconds since the start of the execution. */
  readonly at: number;
}

/** A whole line without its end; longer than 1 MiB: several, all but the last `partial`. */
export interface OutputEvent extends Numbered {
  readonly type: 'stdout' | 'stderr';
  readonly line: string;
  readonly partial: boolean;
}

/** A sentence on what went wrong: a limit, a timeout, a program that could not be started. */
export interface ErrorEvent extends Numbered {
  readonly type: 'error';
  readonly message: string;
  readonly code: ErrorCode | undefined;
}

/** What the sandbox uses. Null: not measured. */
export interface Usage {
  /** Seconds. */
  readonly cpuTime: number | null;
  /** Bytes. */
  readonly memory: number | null;
  readonly memoryPeak: number | null;
  readonly pids: number | null;
  /** Bytes. */
  readonly disk: number | null;
  /** Bytes that came from a network, and went to one; the loopback does not count. */
  readonly networkReceived: number | null;
  readonly networkSent: number | null;
  /** Bytes read from disks and written to them, without what the page cache answers. */
  readonly diskRead: number | null;
  readonly diskWritten: number | null;
}

export interface MetricsEvent extends Numbered, Usage {
  readonly type: 'metrics';
}

/** The last one. */
export interface EndEvent extends Numbered {
  readonly type: 'end';
  readonly status: Status;
  readonly cause: Cause;
  /** Null: ended by the server, or never started. */
  readonly exitCode: number | null;
}

export type SandboxEvent = OutputEvent | ErrorEvent | MetricsEvent | EndEvent;

/** An event as the log and the WebSocket have it; those that are not told are left out. */
export type WireEvent = Extract<Schemas['Event'], { type: 'output' | 'data' | 'metrics' | 'error' | 'complete' }>;
type Sample = Schemas['Metrics']['samples'][number];
type WireTransfers = Pick<Sample, 'network_received' | 'network_sent' | 'disk_read' | 'disk_written'>;
type WireUsage = WireTransfers & Pick<Sample, 'cpu_time' | 'memory' | 'memory_peak' | 'pids' | 'disk'>;

export function transfersOf(
  wire: WireTransfers,
): Pick<Usage, 'networkReceived' | 'networkSent' | 'diskRead' | 'diskWritten'> {
  return {
    networkReceived: wire.network_received ?? null,
    networkSent: wire.network_sent ?? null,
    diskRead: wire.disk_read ?? null,
    diskWritten: wire.disk_written ?? null,
  };
}

export function usageOf({ cpu_time, memory, memory_peak, pids, disk, ...wire }: WireUsage): Usage {
  return { cpuTime: cpu_time, memory, memoryPeak: memory_peak, pids, disk, ...transfersOf(wire) };
}

/** Null: none of those that are told. */
export function eventOf(event: WireEvent): SandboxEvent | null {
  switch (event.type) {
    case 'output': {
      const { id, at, stream, line, partial = false } = event;
      return { type: stream, id, at, line: line.slice(`[${stream}] `.length), partial };
    }
    case 'error': {
      const { id = '', at = 0, message, code } = event;
      return { type: 'error', id, at, message, code };
    }
    case 'metrics':
      return { type: 'metrics', id: event.id, at: event.at, ...usageOf(event) };
    case 'complete': {
      const { id, at, status, cause, exit_code: exitCode } = event;
      return { type: 'end', id, at, status, cause, exitCode };
    }
    default:
      return null; // bytes are a terminal's; phases and the like
  }
}

/** The number of an execution's event. Null: it is the id of none of its events. */
export function numberOf(id: string, executionId: string): number | null {
  const [, execution, number] = /^([\w-]+):(\d+)$/.exec(id) ?? [];
  return execution === executionId ? Number(number) : null;
}

/** An event that came, as it is on the wire. @throws SandboxApiError where it is none of that execution */
export function parseEvent(
  value: unknown,
  executionId: string,
): { readonly event: WireEvent; readonly number: number } {
  if (isEvent(value)) {
    const event = value as WireEvent & { readonly id: string };
    const number = numberOf(event.id, executionId);
    if (number !== null) return { event, number };
  }
  throw unexpected('An event of an execution');
}
