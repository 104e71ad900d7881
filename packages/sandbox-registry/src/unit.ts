import { z } from 'zod';

/** A unit's size as JSON, in bytes. */
export const maxUnitBytes = 16 * 1024 * 1024;
/** How many test results a unit keeps. */
export const keptTestResults = 10;
const maxDepth = 64;

/** Names that are calls of the registry's HTTP interface, so that no unit may bear them. */
const reservedIds = new Set(['store', 'search', 'types', 'health']);

export const unitIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/, {
    error: 'it is 1 to 128 letters, digits or one of . _ : @ -, and begins with a letter or digit',
  })
  .refine((id) => !reservedIds.has(id), { error: 'this name is reserved' });

/** One line of text for people, up to `max` characters. */
function lineSchema(max: number): z.ZodString {
  return z
    .string()
    .trim()
    .min(1, { error: 'it is empty' })
    .max(max, { error: `it has more than ${max} characters` })
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, { error: 'it holds a control character or half a surrogate pair' });
}

const jsonObjectSchema = z.record(z.string(), z.unknown(), { error: 'it is not an object' });

/** What writes JSON recurses, and must not run out of stack. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeper(child, levels - 1));
}

export const unitFieldsSchema = z.looseObject({
  id: unitIdSchema.optional(),
  /** E.g. `solution`. */
  type: lineSchema(100),
  name: lineSchema(200),
  version: lineSchema(100),
  content: jsonObjectSchema,
  meets_standards: z.boolean().optional(),
  /** Ids of the units that this one was made from; they can't be deleted while it is here. */
  lineage: z.array(unitIdSchema).max(256, { error: 'it has more than 256 ids' }).optional(),
  source: z.union([z.string(), jsonObjectSchema, z.null()], { error: 'it is a string, an object or null' }).optional(),
  metadata: jsonObjectSchema.optional(),
});

/**
 * A unit as a caller hands it in: a JSON document with the wire's keys. Further fields are kept as they are, but `created`,
 * `updated` and `test_results`, which the registry itself writes.
 */
export const unitSchema = unitFieldsSchema.superRefine((unit, context) => {
  const deep = Object.keys(unit).find((field) => isDeeper(unit[field], maxDepth));
  if (deep !== undefined) {
    context.addIssue({ code: 'custom', path: [deep], message: `it is nested more than ${maxDepth} levels deep` });
  }
});

export type UnitInput = z.input<typeof unitSchema>;

/** A unit as the registry keeps it. Times are ISO 8601, UTC. */
export interface Unit {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly meets_standards: boolean;
  readonly lineage: readonly string[];
  readonly created: string;
  readonly updated: string;
  readonly [field: string]: unknown;
}
