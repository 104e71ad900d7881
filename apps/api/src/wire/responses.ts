import { errorCodes, sandboxStatuses } from '@ergon/sandbox-core';
import type { EndCause, SandboxErrorCode } from '@ergon/sandbox-core';
import { z } from 'zod';
import { examples } from './examples.js';

/**
 * The answers, as the document tells them and the black-box tests check them. More fields may come in later versions, so that none is
 * closed.
 */
const seconds = z.number().min(0).meta({ description: 'Seconds' });
const bytes = z
  .int()
  .min(0)
  .meta({ description: 'Bytes', examples: [4096] });
const count = z
  .int()
  .min(0)
  .meta({ examples: [1] });
const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC', examples: ['2026-11-24T20:00:00.000Z'] });
const base64 = z.base64().meta({ examples: ['aGVsbG8K'] });
const ms = z.number().min(0).meta({ description: 'Milliseconds since the start of the execution' });
const sandboxId = z.string().meta({ description: 'The id of a sandbox', examples: [examples.sandboxId] });
const solutionId = z.string().meta({ examples: [examples.solutionId] });
const executionId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/)
  .meta({ description: 'The id of an execution', examples: [examples.executionId] });
const eventId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}:\d+$/)
  .meta({ description: '`<execution_id>:<number>`; names an event for ever', examples: [examples.eventId] });
const exitCode = z
  .int()
  .min(0)
  .nullable()
  .meta({
    examples: [0],
    description:
      'A number that was seen; 128 + n for a signal n that the program met by itself; null: ended by us, or it never started',
  });
const open = <Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$loose> => z.looseObject(shape);

const causes = [
  'exited',
  'signalled',
  'timeout',
  'stopped',
  'limit',
  'lost',
  'not-started',
] as const satisfies readonly EndCause[];

export const statusSchema = z.enum(sandboxStatuses).meta({ id: 'Status', examples: ['completed'] });
export const causeSchema = z.enum(causes).meta({ id: 'Cause', description: 'How an execution ended' });
const codeSchema = z
  .enum(Object.keys(errorCodes) as [SandboxErrorCode, ...SandboxErrorCode[]])
  .meta({ id: 'ErrorCode' });

export const problemSchema = open({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  detail: z.string().meta({ description: 'A sentence for people' }),
  code: codeSchema.optional(),
  field: z.string().optional().meta({ description: 'The input field at fault' }),
}).meta({ id: 'Problem', description: 'RFC 9457' });

const selectionSchema = open({
  provider: z.string(),
  requested: z.string().nullable(),
  fallback: z.boolean().meta({ description: 'The requested provider is down, and another serves in its place' }),
  considered: z.array(
    open({
      provider: z.string(),
      verdict: z.enum(['chosen', 'eligible', 'ruled-out', 'unavailable']),
      reason: z.string(),
    }),
  ),
  notes: z.array(z.string()).meta({ description: 'What was lowered, what is best effort, what stands in for another' }),
}).meta({ id: 'Selection', description: 'Which provider serves, and why' });

export const testAnswer = open({ sandbox_id: sandboxId, provider: z.string(), selection: selectionSchema });
export const ticketAnswer = open({
  ticket: z.string(),
  expires: time.meta({ description: 'To be first used before' }),
});
export const successAnswer = open({ success: z.literal(true) });
export const stopAnswer = open({
  success: z.literal(true),
  stopped: z.boolean().meta({ description: 'Something ran' }),
});
export const limitsAnswer = open({
  success: z.literal(true),
  limits: open({
    timeout: seconds,
    memory_limit: bytes,
    cpu_limit: z.number().meta({ description: 'CPUs' }),
    disk_limit: bytes,
    pids_limit: count,
    output_limit: bytes,
  }).meta({ id: 'Limits', description: 'The limits in force; sizes in bytes' }),
  notes: z.array(z.string()).meta({ description: 'What was lowered or raised to what can be kept' }),
});
export const cleanedAnswer = open({ cleaned: count });

/** Of networks (without the loopback), and of block devices (without what the page cache answers). */
const transfers = {
  network_received: bytes.nullable().optional(),
  network_sent: bytes.nullable().optional(),
  disk_read: bytes.nullable().optional(),
  disk_written: bytes.nullable().optional(),
};
const usage = {
  cpu_time: seconds.nullable(),
  memory: bytes.nullable(),
  memory_peak: bytes.nullable(),
  pids: count.nullable(),
  disk: bytes.nullable(),
  ...transfers,
};

export const metricsSchema = open({
  provider: z.string(),
  wall_time: seconds.nullable(),
  cpu_time: seconds.nullable(),
  memory_peak: bytes.nullable(),
  ...transfers,
  prepare_time: seconds.nullable(),
  samples: z.array(open({ at: ms, ...usage })),
}).meta({ id: 'Metrics', description: 'Null: not measured' });

const limitHitSchema = open({
  limit: z.string().meta({ examples: ['memory'] }),
  value: z.number(),
  evidence: z.string().meta({ description: 'How it is known: a counter of the kernel, or a cause of ours' }),
}).meta({ id: 'LimitHit' });

export const resultSchema = open({
  sandbox_id: sandboxId,
  solution_id: solutionId,
  execution_id: executionId.nullable(),
  status: statusSchema,
  exit_code: exitCode,
  execution_time: seconds.nullable(),
  stdout: z.string().nullable(),
  stderr: z.string().nullable(),
  truncated: z.boolean(),
  metrics: metricsSchema,
  errors: z.array(z.string()),
  files: z.array(z.string()).nullable().meta({ description: 'Paths below /output; null: not collected' }),
  cause: causeSchema.nullable(),
  signal: z.string().nullable(),
  limits_hit: z.array(limitHitSchema),
}).meta({ id: 'Result', description: 'What is known of a sandbox and one of its executions' });

const historyRow = open({
  execution_id: executionId,
  sandbox_id: sandboxId,
  solution_id: solutionId,
  status: statusSchema,
  exit_code: exitCode,
  started: time,
  execution_time: seconds.nullable(),
  provider: z.string(),
}).meta({ id: 'HistoryRow' });
export const historyAnswer = z.array(historyRow);

const activeSandbox = open({
  sandbox_id: sandboxId,
  solution_id: solutionId,
  status: statusSchema,
  provider: z.string(),
  started: time,
}).meta({ id: 'ActiveSandbox' });
export const activeAnswer = z.array(activeSandbox);

const volume = open({
  solution_id: solutionId,
  name: z.string().meta({ examples: ['data'] }),
  provider: z.string().meta({ description: 'Who keeps it' }),
  size: bytes.nullable().meta({ description: 'What it takes of the disk, in bytes; null: not known' }),
  limit: bytes.nullable().meta({ description: 'What it may take, in bytes; null: without a limit' }),
  created: time,
  in_use: z.boolean().meta({ description: 'A sandbox has it' }),
}).meta({ id: 'Volume', description: 'A folder of a solution that outlives its sandboxes' });
export const volumesAnswer = z.array(volume);

const enforcement = z.enum(['hard', 'best-effort', 'none']);
const capabilitiesSchema = open({
  isolation: z.enum(['none', 'seatbelt', 'namespaces', 'container', 'virtual-machine']),
  platforms: z.array(z.string()),
  limits: z.record(z.string(), enforcement),
  adjustable: z
    .array(z.string())
    .optional()
    .meta({ description: 'Limits that can be changed on a live sandbox; absent: none', examples: [['memory']] }),
  network: z.array(z.enum(['none', 'allowlist', 'full', 'named'])),
  networks: z.array(z.string()).optional().meta({ description: 'Names of the networks of mode `named`' }),
  stdin: z.boolean(),
  tty: z.boolean(),
  signals: z.boolean(),
  files: z.boolean(),
  usage: z.boolean(),
  mounts: z.boolean(),
  gpu: z.boolean(),
  persistence: z.boolean(),
  images: z.boolean(),
  services: z.boolean(),
  runtimes: z.array(z.string()),
  machine: open({ cpus: z.number().nullable(), memory: bytes.nullable(), disk: bytes.nullable() }),
  details: z.record(z.string(), z.string()),
}).meta({ id: 'Capabilities' });

export const providersAnswer = z.record(
  z.string(),
  open({
    available: z.boolean(),
    capabilities: capabilitiesSchema.nullable(),
    is_default: z.boolean().meta({ description: 'It would be taken for a solution in Python that asks for nothing' }),
    reason: z.string().optional().meta({ description: 'Why it is not available, and what to do' }),
  }).meta({ id: 'Provider' }),
);
export const healthAnswer = open({
  status: z.enum(['healthy', 'unhealthy']),
  providers: z.record(z.string(), z.boolean()),
});

const stream = z.enum(['stdout', 'stderr']);
/** Of `text/event-stream`: what stands in `data`. */
export const streamEventSchema = z
  .union([
    open({ done: z.literal(true), status: statusSchema, exit_code: exitCode }),
    open({ error: z.string() }),
    open({ line: z.string(), stream: stream.optional(), at: ms.optional(), partial: z.literal(true).optional() }),
    open({ data: base64, stream, at: ms }),
  ])
  .meta({ id: 'StreamEvent', description: 'The data of a server-sent event, whose id is `<execution_id>:<number>`' });

/** Of the kept log, and of the WebSocket. */
export const eventSchema = z
  .union([
    open({
      type: z.literal('output'),
      id: eventId,
      line: z.string().meta({ examples: ['[stdout] hello'] }),
      stream,
      at: ms,
      partial: z.literal(true).optional(),
    }),
    open({ type: z.literal('data'), id: eventId, stream, data: base64, at: ms }),
    open({ type: z.literal('metrics'), id: eventId, at: ms, ...usage }),
    open({
      type: z.literal('limits'),
      id: eventId,
      at: ms,
      message: z.string(),
      limits: z
        .record(z.string(), z.number())
        .meta({ description: 'Their values from now on: bytes, CPUs, a count, ms' }),
    }).meta({ description: 'Limits were changed while it ran' }),
    open({
      type: z.literal('error'),
      id: eventId.optional(),
      at: ms.optional(),
      message: z.string(),
      code: codeSchema.optional(),
    }),
    open({
      type: z.literal('complete'),
      id: eventId,
      status: statusSchema,
      exit_code: exitCode,
      cause: causeSchema,
      at: ms,
    }),
    open({ type: z.literal('started'), execution_id: executionId, tty: z.boolean() }).meta({
      description: 'Of a WebSocket with all=true: what follows is of this execution',
    }),
    open({
      type: z
        .string()
        .regex(/^(?!(output|data|metrics|limits|error|complete|started)$)/)
        .meta({ examples: ['phase'] }),
      id: eventId,
      at: ms,
    }).meta({ description: 'What else the log holds: phases, notices, …' }),
  ])
  .meta({ id: 'Event' });
export const eventsAnswer = z.array(eventSchema);

export const fileEntrySchema = open({
  name: z.string(),
  type: z.enum(['file', 'folder', 'link', 'other']),
  size: bytes.nullable(),
  mode: z
    .string()
    .regex(/^[0-7]{3,4}$/)
    .meta({ description: 'Permission bits, octal', examples: ['644'] }),
  modified: time,
}).meta({ id: 'FileEntry' });
export const listingAnswer = open({
  path: z.string(),
  entries: z.array(fileEntrySchema),
  truncated: z.boolean().meta({ description: 'There are more than were asked for' }),
}).meta({ id: 'Listing' });
export const writtenAnswer = open({
  success: z.literal(true),
  path: z.string(),
  size: bytes.optional().meta({ description: 'Of a file' }),
  files: count.optional().meta({ description: 'How many were in the archive' }),
});
export const movedAnswer = open({ success: z.literal(true), path: z.string() });
export const outputAnswer = open({
  sandbox_id: sandboxId,
  execution_id: executionId,
  path: z.string(),
  files: z.array(open({ path: z.string(), size: bytes, mode: z.string(), modified: time }).meta({ id: 'OutputFile' })),
}).meta({ id: 'OutputListing', description: 'What /output held when an execution ended; paths are below it' });

export const unitAnswer = open({
  id: z.string(),
  type: z.string(),
  name: z.string(),
  version: z.string(),
  content: z.record(z.string(), z.unknown()),
  meets_standards: z.boolean(),
  lineage: z.array(z.string()),
  created: time,
  updated: time,
}).meta({ id: 'StoredUnit' });
const testResult = open({
  execution_id: executionId,
  timestamp: time,
  status: statusSchema,
  exit_code: exitCode,
  execution_time: seconds.nullable(),
  provider: z.string(),
  errors: z.array(z.string()),
}).meta({ id: 'TestResult' });
export const unitWithResultsAnswer = unitAnswer
  .extend({ test_results: z.array(testResult).meta({ description: 'The last ten, newest last' }) })
  .meta({ id: 'UnitWithResults' });
export const storedAnswer = open({
  success: z.literal(true),
  id: z.string(),
  message: z.string(),
  warnings: z.array(z.string()).optional().meta({
    description:
      "Sentences: why a solution can't be tested as it is, and which fields of its content are not known here",
  }),
});
export const searchAnswer = open({
  success: z.literal(true),
  count,
  truncated: z.boolean().optional(),
  results: z.array(unitAnswer),
});
export const typesAnswer = open({ success: z.literal(true), types: z.array(z.string()), count });
export const registryHealthAnswer = open({
  status: z.enum(['healthy', 'unhealthy']),
  statistics: open({}),
});
export const deletedAnswer = open({ success: z.literal(true), message: z.string() });
