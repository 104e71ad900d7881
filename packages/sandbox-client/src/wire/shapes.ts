import type { components } from './openapi.js';

type Schemas = components['schemas'];

/** Whether a value that came has the shape that is read of it. Fields that are not read may be anything, and more may be there. */
export type Shape = (value: unknown) => boolean;

const text: Shape = (value) => typeof value === 'string';
const number: Shape = (value) => typeof value === 'number';
const flag: Shape = (value) => typeof value === 'boolean';
const base64: Shape = (value) =>
  typeof value === 'string' && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
const octal: Shape = (value) => typeof value === 'string' && /^[0-7]+$/.test(value);
const stream: Shape = (value) => value === 'stdout' || value === 'stderr';
const orNull =
  (shape: Shape): Shape =>
  (value) =>
    value === null || shape(value);
const optional =
  (shape: Shape): Shape =>
  (value) =>
    value === undefined || shape(value);
const listOf =
  (shape: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.every(shape);
const recordOf =
  (shape: Shape): Shape =>
  (value) =>
    isObject(value) && Object.values(value).every(shape);
/** Of a type of which no other fields are read. */
const fields =
  <T>(shapes: { readonly [Name in keyof T]?: Shape }): ((value: unknown) => value is T) =>
  (value): value is T =>
    isObject(value) && Object.entries(shapes as Record<string, Shape>).every(([name, is]) => is(value[name]));

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Servers of earlier versions do not tell them. */
const transfers = {
  network_received: optional(orNull(number)),
  network_sent: optional(orNull(number)),
  disk_read: optional(orNull(number)),
  disk_written: optional(orNull(number)),
};

const usage = {
  cpu_time: orNull(number),
  memory: orNull(number),
  memory_peak: orNull(number),
  pids: orNull(number),
  disk: orNull(number),
  ...transfers,
};

const result = fields<Schemas['Result']>({
  sandbox_id: text,
  solution_id: text,
  execution_id: orNull(text),
  status: text,
  exit_code: orNull(number),
  cause: orNull(text),
  signal: orNull(text),
  execution_time: orNull(number),
  stdout: orNull(text),
  stderr: orNull(text),
  truncated: flag,
  errors: listOf(text),
  limits_hit: listOf(fields<Schemas['LimitHit']>({ limit: text, value: number, evidence: text })),
  files: orNull(listOf(text)),
  metrics: fields<Schemas['Metrics']>({
    provider: text,
    wall_time: orNull(number),
    cpu_time: orNull(number),
    memory_peak: orNull(number),
    ...transfers,
    prepare_time: orNull(number),
    samples: listOf(fields({ at: number, ...usage })),
  }),
});

const unit = {
  id: text,
  type: text,
  name: text,
  version: text,
  content: isObject,
  meets_standards: flag,
  lineage: listOf(text),
  created: text,
  updated: text,
};
const run = {
  execution_id: text,
  status: text,
  exit_code: orNull(number),
  execution_time: orNull(number),
  provider: text,
};

/** By method and path; of other calls nothing is read. */
const answers: Readonly<Record<string, Shape>> = {
  'get /api/ergon/sandbox/history': listOf(
    fields<Schemas['HistoryRow']>({ ...run, sandbox_id: text, solution_id: text, started: text }),
  ),
  'get /api/ergon/sandbox/providers': recordOf(
    fields<Schemas['Provider']>({ available: flag, is_default: flag, reason: optional(text) }),
  ),
  'get /api/ergon/sandbox/health': fields({ status: text, providers: recordOf(flag) }),
  'get /api/ergon/sandbox/active': listOf(
    fields<Schemas['ActiveSandbox']>({
      sandbox_id: text,
      solution_id: text,
      status: text,
      provider: text,
      started: text,
    }),
  ),
  'get /api/ergon/sandbox/volumes': listOf(
    fields<Schemas['Volume']>({
      solution_id: text,
      name: text,
      provider: text,
      size: orNull(number),
      limit: orNull(number),
      created: text,
      in_use: flag,
    }),
  ),
  'get /api/ergon/sandbox/results/{sandbox_id}': result,
  'post /api/ergon/sandbox/test': fields({
    sandbox_id: text,
    provider: text,
    selection: fields({ notes: listOf(text) }),
  }),
  'patch /api/ergon/sandbox/{sandbox_id}': fields({
    limits: fields<Schemas['Limits']>({
      timeout: number,
      memory_limit: number,
      cpu_limit: number,
      disk_limit: number,
      pids_limit: number,
      output_limit: number,
    }),
    notes: listOf(text),
  }),
  'post /api/ergon/sandbox/{sandbox_id}/stop': fields({ stopped: flag }),
  'post /api/ergon/sandbox/ticket': fields({ ticket: text }),
  'post /api/ergon/registry/store': fields({ id: text, warnings: optional(listOf(text)) }),
  'get /api/ergon/registry/search': fields({ results: listOf(fields<Schemas['StoredUnit']>(unit)) }),
  'get /api/ergon/registry/{id}': fields<Schemas['UnitWithResults']>({
    ...unit,
    test_results: listOf(fields<Schemas['TestResult']>({ ...run, timestamp: text, errors: listOf(text) })),
  }),
};

export function answerOf(method: string, path: string): Shape {
  return answers[`${method} ${path}`] ?? ((value) => typeof value === 'object' && value !== null);
}

const fileEntry = fields<Schemas['FileEntry']>({
  name: text,
  type: text,
  size: orNull(number),
  mode: octal,
  modified: text,
});

/** Of files. */
export const fileAnswers = {
  entry: fileEntry,
  listing: fields<Schemas['Listing']>({ path: text, entries: listOf(fileEntry), truncated: flag }),
  output: fields<Schemas['OutputListing']>({
    files: listOf(fields<Schemas['OutputFile']>({ path: text, size: number, mode: octal, modified: text })),
  }),
  written: fields({ size: number }),
  unpacked: fields({ files: number }),
  done: isObject,
};

export const isProblem = fields<Schemas['Problem']>({ detail: text, code: optional(text), field: optional(text) });
/** Of a WebSocket's messages. */
export interface Refusal {
  readonly message: string;
  readonly code?: Schemas['ErrorCode'];
  readonly field?: string;
}
export const isRefusal = fields<Refusal>({ message: text, code: optional(text), field: optional(text) });
export const isStart = fields<{ readonly execution_id: string }>({ execution_id: text });

const numbered = fields<{ readonly type: string; readonly id: string; readonly at: number }>({
  type: text,
  id: text,
  at: number,
});
const events: Readonly<Record<string, Shape>> = {
  output: fields({ stream, line: text, partial: optional(flag) }),
  data: fields({ stream, data: base64 }),
  metrics: fields(usage),
  error: fields({ message: text, code: optional(text) }),
  complete: fields({ status: text, cause: text, exit_code: orNull(number) }),
};

/** An event of a log: of those types that are told with what they tell. */
export function isEvent(value: unknown): boolean {
  return numbered(value) && (!Object.hasOwn(events, value.type) || events[value.type]?.(value) === true);
}
