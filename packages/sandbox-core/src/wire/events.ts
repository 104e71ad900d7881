import type { ExecutionEvent } from '../contract/events.js';
import { limitsByWireName, usageToWire } from './results.js';
import type { Json } from './results.js';

/** An event's id on the wire: names it for ever. */
export function eventId(executionId: string, seq: number): string {
  return `${executionId}:${seq}`;
}

/** The execution and the number that an id names. Null: it is no such id. */
export function parseEventId(id: string): { executionId: string; seq: number } | null {
  const [, executionId, seq] = /^([A-Za-z0-9_-]{1,64}):(\d{1,15})$/.exec(id) ?? [];
  return executionId === undefined ? null : { executionId, seq: Number(seq) };
}

/** An event of the kept log, its time in whole ms. Its types are those of the WebSocket's messages; what else a log holds is as it is there. */
export function eventToWire(executionId: string, event: ExecutionEvent): Json {
  return { id: eventId(executionId, event.seq), ...shapeOf({ ...event, at: Math.round(event.at) }) };
}

function shapeOf(event: ExecutionEvent): object {
  switch (event.type) {
    case 'line': {
      const { stream, line, at, partial } = event;
      return { type: 'output', line: `[${stream}] ${line}`, stream, at, ...(partial && { partial }) };
    }
    case 'data':
      return { type: 'data', stream: event.stream, data: Buffer.from(event.data).toString('base64'), at: event.at };
    case 'sample':
      return { type: 'metrics', at: event.at, ...usageToWire(event.usage) };
    case 'limits': {
      const { message, limits, at } = event;
      return { type: 'limits', message, limits: limitsByWireName(limits), at };
    }
    case 'end': {
      const { status, cause, exitCode, at } = event;
      return { type: 'complete', status, exit_code: exitCode, cause, at };
    }
    case 'service': {
      if (!('state' in event) || event.exitCode === undefined) return { ...event, seq: undefined };
      const { exitCode, ...same } = event;
      return { ...same, seq: undefined, exit_code: exitCode };
    }
    default:
      return { ...event, seq: undefined }; // it is in the id
  }
}
