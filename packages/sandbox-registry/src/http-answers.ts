import type { TestResultRecord } from '@ergon/sandbox-core';
import { z } from 'zod';
import { mergeEntries, entriesOf, recordOf, takeRecords } from './test-results.js';
import type { Unit } from './unit.js';
import { deepField, jsonObjectSchema, unitIdSchema } from './unit.js';
import { timeSchema, toUtc } from './utc-time.js';

const text = z.string({ error: 'must be text' });
const count = z.int({ error: 'must be a whole number' }).nonnegative();

/** A unit as a registry gives it, which may leave out, or give as null, what it has none of. */
const foreignUnitSchema = z
  .looseObject({
    id: unitIdSchema,
    type: text,
    name: text,
    version: text,
    content: jsonObjectSchema,
    created: timeSchema,
    updated: timeSchema.nullish(),
    meets_standards: z.boolean({ error: 'must be true or false' }).nullish(),
    lineage: z.array(text, { error: 'must be a list' }).nullish(),
    metadata: jsonObjectSchema.nullish(),
    test_results: z.array(z.unknown(), { error: 'must be a list' }).nullish(),
  })
  .superRefine((unit, context) => {
    const deep = deepField(unit);
    if (deep !== undefined) context.addIssue({ code: 'custom', path: [deep], message: 'is nested too deeply' });
    try {
      entriesOf(unit.metadata ?? undefined);
    } catch {
      context.addIssue({ code: 'custom', path: ['metadata', 'test_results'], message: 'must be a list' });
    }
  });

/** A unit of another registry. */
export interface ForeignUnit {
  readonly unit: Unit;
  readonly testResults: readonly TestResultRecord[];
  /** Its test results as they are, those of other programs too. */
  readonly entries: readonly unknown[];
  /** As the registry writes it. */
  readonly created: string;
}

export const foreignUnitField = foreignUnitSchema.transform((given): ForeignUnit => {
  const { test_results, metadata: whole, created, updated, meets_standards, lineage, ...fields } = given;
  const entries = mergeEntries([...(test_results ?? []), ...entriesOf(whole ?? undefined)]);
  const { metadata } = takeRecords(whole ?? undefined);
  return {
    unit: {
      ...fields,
      created: toUtc(created),
      updated: toUtc(updated ?? created),
      meets_standards: meets_standards ?? false,
      lineage: lineage ?? [],
      ...(metadata !== undefined && { metadata }),
    },
    testResults: entries.map(recordOf).filter((record) => record !== null),
    entries,
    created,
  };
});

export const storedAnswer = z.object({
  id: unitIdSchema,
  success: z.literal(true, { error: 'is not true' }).optional(),
});
export const searchAnswer = z.object({
  results: z.array(foreignUnitField, { error: 'must be a list' }),
  truncated: z.boolean().optional(),
});
export const typesAnswer = z.object({ types: z.array(text, { error: 'must be a list' }) });

/** Ours tells `units`, `by_type`, `meets_standards` and `test_results`; an existing Ergon Registry `total_units` and `standards_compliant`. */
export const healthAnswer = z.object({
  status: z.literal('healthy', { error: 'is not "healthy"' }),
  statistics: z.union(
    [
      z.object({ units: count, by_type: z.record(z.string(), count), meets_standards: count, test_results: count }),
      z
        .object({ total_units: count, standards_compliant: count })
        .transform(({ total_units, standards_compliant }) => ({
          units: total_units,
          by_type: null,
          meets_standards: standards_compliant,
          test_results: null,
        })),
    ],
    { error: 'must have the counts of its units' },
  ),
});
