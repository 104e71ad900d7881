import type { TestResultRecord } from '@ergon/sandbox-core';
import { SandboxError, sandboxStatuses } from '@ergon/sandbox-core';
import { z } from 'zod';
import { keptTestResults } from './unit.js';
import { timeSchema, toUtc } from './utc-time.js';

type Json = Readonly<Record<string, unknown>>;

/** As JSON; a record of ours is some hundred characters long, and ten of them stand beside each unit. */
const maxEntryLength = 64 * 1024;

/** An entry of `test_results` on the wire; times in seconds. */
const entrySchema = z
  .object({
    execution_id: z.string().min(1).max(128),
    timestamp: timeSchema,
    status: z.enum(sandboxStatuses),
    exit_code: z.int().nullable(),
    execution_time: z.number().nonnegative().nullable(),
    provider: z.string(),
    errors: z.array(z.string()),
  })
  .refine((entry) => JSON.stringify(entry).length <= maxEntryLength);

/** Null: another program wrote it, in a shape of its own. */
export function recordOf(entry: unknown): TestResultRecord | null {
  const parsed = entrySchema.safeParse(entry);
  if (!parsed.success) return null;
  const { execution_id, timestamp, status, exit_code, execution_time, provider, errors } = parsed.data;
  return {
    executionId: execution_id,
    timestamp: toUtc(timestamp),
    status,
    exitCode: exit_code,
    executionTimeMs: execution_time === null ? null : Math.round(execution_time * 1e6) / 1000,
    provider,
    errors,
  };
}

/** @throws SandboxError SANDBOX008 when `metadata.test_results` is there and no list */
export function entriesOf(metadata: Json | undefined): readonly unknown[] {
  const entries = metadata?.test_results ?? [];
  if (Array.isArray(entries)) return entries as readonly unknown[];
  throw new SandboxError('SANDBOX008', 'metadata.test_results: must be a list.', { field: 'metadata.test_results' });
}

/**
 * Parts a unit's `metadata` from the test results in it: `metadata.test_results` is where they live in a registry that has no other place
 * for them. Entries of other programs stay.
 * @throws SandboxError SANDBOX008
 */
export function takeRecords(metadata: Json | undefined): {
  metadata: Json | undefined;
  records: readonly TestResultRecord[];
} {
  const entries = entriesOf(metadata);
  if (metadata === undefined || !('test_results' in metadata)) return { metadata, records: [] };
  const records = entries.map(recordOf);
  const others = entries.filter((_entry, index) => records[index] === null);
  const rest: Record<string, unknown> = { ...metadata };
  delete rest.test_results;
  if (others.length > 0) rest.test_results = others;
  return {
    metadata: Object.keys(rest).length > 0 ? rest : undefined,
    records: records.filter((record) => record !== null),
  };
}

/** The last ten, newest last; of two of one execution the later in the list. */
export function mergeEntries(entries: readonly unknown[]): readonly unknown[] {
  const merged = new Map(entries.map((entry) => [keyOf(entry), entry]));
  return [...merged.values()].sort((a, b) => timeOf(a) - timeOf(b)).slice(-keptTestResults);
}

const keySchema = z.object({ execution_id: z.string() });
const timedSchema = z.object({ timestamp: timeSchema });

function keyOf(entry: unknown): string {
  const parsed = keySchema.safeParse(entry);
  return parsed.success ? `execution ${parsed.data.execution_id}` : JSON.stringify(entry);
}

/** In ms; what has no time is the oldest. */
function timeOf(entry: unknown): number {
  const parsed = timedSchema.safeParse(entry);
  return parsed.success ? Date.parse(toUtc(parsed.data.timestamp)) : 0;
}
