import { SandboxError } from '@ergon/sandbox-core';
import { z } from 'zod';

/** A unit's size as JSON, in bytes. */
export const maxUnitBytes = 16 * 1024 * 1024;
/** How many test results a unit keeps. */
export const keptTestResults = 10;
/** A unit's values, at any depth, itself and each list and object too: even an empty one costs time wherever the unit is handled. */
export const maxUnitValues = 100_000;
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

// z.record would look at every name in it, each time that it is read.
export const jsonObjectSchema = z
  .custom<Readonly<Record<string, unknown>>>(
    (value) => Object.prototype.toString.call(value) === '[object Object]',
    'must be an object',
  )
  .meta({ type: 'object' });

/** Goes by a list, because the stack would not do for deep values. */
function hasTooManyValues(value: unknown): boolean {
  const left = [value];
  let values = 1;
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    const children: unknown[] = Object.values(next);
    values += children.length;
    if (values > maxUnitValues) return true;
    for (const child of children) if (child !== undefined) left.push(child);
  }
  return false;
}

/** What writes JSON recurses, and must not run out of stack. */
function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((child) => isDeeper(child, levels - 1));
}

/** A field that is nested deeper than a unit may be. */
export function deepField(unit: Readonly<Record<string, unknown>>): string | undefined {
  return Object.keys(unit).find((field) => isDeeper(unit[field], maxDepth));
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
export const unitSchema = z.preprocess(
  (input, context) => {
    if (!hasTooManyValues(input)) return input;
    context.addIssue({ code: 'custom', message: `must have at most ${maxUnitValues} values, counted at any depth` });
    return z.NEVER;
  },
  unitFieldsSchema.superRefine((unit, context) => {
    const deep = deepField(unit);
    if (deep !== undefined) {
      context.addIssue({
        code: 'custom',
        path: [deep],
        message: `must not be nested more than ${maxDepth} levels deep`,
      });
    }
  }),
);

/**
 * What is stored of a unit's other fields: all but what the registry itself writes.
 * @throws SandboxError SANDBOX008 when that is too large
 */
export function documentOf(unit: Readonly<Record<string, unknown>>): { document: string; bytes: number } {
  const document = JSON.stringify({ ...unit, created: undefined, updated: undefined, test_results: undefined });
  const bytes = Buffer.byteLength(document);
  if (bytes <= maxUnitBytes) return { document, bytes };
  throw new SandboxError(
    'SANDBOX008',
    `content: is too large; the unit has ${bytes} bytes, at most ${maxUnitBytes} are kept.`,
    { field: 'content' },
  );
}

export type UnitInput = z.input<typeof unitFieldsSchema>;

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
