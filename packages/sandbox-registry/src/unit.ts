import { z } from 'zod';

/** A unit's size as JSON, in bytes. */
export const maxUnitBytes = 16 * 1024 * 1024;
/** How many test results a unit keeps. */
export const keptTestResults = 10;
const maxDepth = 64;

/** Names that are calls of the registry's HTTP interface, so that no unit may bear them. */
const reservedIds = new Set(['store', 'search', 'types', 'health']);

const idMessage = 'must be 1 to 128 letters, digits or . _ : @ -, and begin with a letter or digit';
export const unitIdSchema = z
  .string({ error: idMessage })
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/, idMessage)
  .refine((id) => !reservedIds.has(id), 'must not be a name that the registry uses itself');

/** One line of text for people, up to `max` characters. */
function lineSchema(max: number): z.ZodString {
  const message = `must be text of 1 to ${max} characters`;
  return z
    .string({ error: message })
    .trim()
    .min(1, message)
    .max(max, message)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not contain a control character or half a surrogate pair');
}

const jsonObjectSchema = z.record(z.string(), z.unknown(), { error: 'must be an object' });

/** What writes JSON recurses, and must not run out of stack. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeper(child, levels - 1));
}

export const unitFieldsSchema = z.looseObject(
  {
    id: unitIdSchema.optional(),
    /** E.g. `solution`. */
    type: lineSchema(100),
    name: lineSchema(200),
    version: lineSchema(100),
    content: jsonObjectSchema,
    meets_standards: z.boolean({ error: 'must be true or false' }).optional(),
    /** Ids of the units that this one was made from; they can't be deleted while it is here. */
    lineage: z.array(unitIdSchema, { error: 'must be a list of ids' }).max(256, 'must have at most 256 ids').optional(),
    source: z.union([z.string(), jsonObjectSchema, z.null()], { error: 'must be text, an object or null' }).optional(),
    metadata: jsonObjectSchema.optional(),
  },
  { error: 'must be an object' },
);

/**
 * A unit as a caller hands it in: a JSON document with the wire's keys. Further fields are kept as they are, but `created`,
 * `updated` and `test_results`, which the registry itself writes.
 */
export const unitSchema = unitFieldsSchema.superRefine((unit, context) => {
  const deep = Object.keys(unit).find((field) => isDeeper(unit[field], maxDepth));
  if (deep !== undefined) {
    context.addIssue({ code: 'custom', path: [deep], message: `must not be nested more than ${maxDepth} levels deep` });
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
