import { z } from 'zod';
import { maxVolumes } from '../contract/volumes.js';
import { sizeSchema } from './size.js';

const maxCommandBytes = 128 * 1024;
const maxEnvironmentBytes = 128 * 1024;

const withoutNul = (text: string): boolean => !text.includes('\0');

/** argv: 1 to 1,024 strings, 128 KiB in all, the first not empty, no NUL. */
export const commandField = z
  .array(z.string({ error: 'must be strings' }), { error: 'must be a list of strings, the program first' })
  .min(1, 'must name a program')
  .max(1024, 'must have at most 1,024 parts')
  .refine((argv) => argv[0] !== '', 'must not begin with an empty string')
  .refine((argv) => argv.every(withoutNul), 'must not contain NUL')
  .refine(
    (argv) => argv.reduce((sum, part) => sum + Buffer.byteLength(part) + 1, 0) <= maxCommandBytes,
    'must be at most 128 KiB long',
  );

/**
 * An object of named things. Its own `__proto__`, which JSON may bring and objects drop, is refused rather than lost.
 */
export function namedField<Value extends z.ZodType>(
  name: z.ZodType<string, string>,
  value: Value,
  message: string,
): z.ZodType<Record<string, z.output<Value>>> {
  return z
    .custom<Record<string, unknown>>()
    .refine((given) => typeof given !== 'object' || !Object.hasOwn(given ?? {}, '__proto__'), {
      error: 'must not hold the name "__proto__"',
      abort: true,
    })
    .pipe(
      z.record(name, value, {
        // A name has a sentence of its own.
        error: (issue) => (issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? message) : message),
      }),
    );
}

/** Variables: names as in POSIX, values without NUL; 128 KiB in all. */
export const environmentField = namedField(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be a name of letters, digits and "_", not beginning with a digit'),
  z.string({ error: 'must be a string' }).refine(withoutNul, 'must not contain NUL'),
  'must be an object of strings',
).refine(
  (variables) =>
    Object.entries(variables).reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 2, 0) <=
    maxEnvironmentBytes,
  'must be at most 128 KiB in all',
);

/** Seconds. */
export const timeoutField = z
  .number({ error: 'must be a number of seconds, above 0 and at most 86400' })
  .positive('must be above 0 seconds')
  .max(86_400, 'must be at most 86400 seconds');

export const cpuField = z
  .number({ error: 'must be a number of CPUs above 0, e.g. 1.5' })
  .positive('must be above 0')
  .max(1_000_000, 'must be at most 1000000');

export const pidsField = z
  .int({ error: 'must be a whole number of processes' })
  .min(1, 'must be at least 1')
  .max(4_000_000, 'must be at most 4000000');

export const memoryField = sizeSchema();
export const diskField = sizeSchema();
export const outputField = sizeSchema({ max: 1024 ** 3 });

const nameField = (what: string): z.ZodString =>
  z
    .string({ error: `must be ${what}` })
    .min(1, `must be ${what}`)
    .max(512, 'must be at most 512 characters')
    .refine(withoutNul, 'must not contain NUL');

export const providerField = nameField('the name of a provider');
/** By the grammar of distribution/reference, as Docker's command line takes it, or an id. */
export const imageField = z
  .string({ error: 'must be the name of an image' })
  .max(400, 'must be at most 400 characters')
  .regex(
    /^[a-z0-9][\w.-]*(:\d+)?(\/[a-z0-9][a-z0-9._-]*)*(:\w[\w.-]{0,127})?(@[a-z0-9]+:[0-9a-f]{32,})?$/i,
    'must be the name of an image, such as python:3.13-slim or name@sha256:…',
  );
export const runtimeField = nameField('the name of a runtime');
/** Node's names of processors; Docker's are taken, too. */
export const platformField = nameField('the name of a platform').transform((name) =>
  name.replace(/^linux\/(amd64|x86_64)$/, 'linux/x64').replace(/^linux\/(arm64\/v8|aarch64)$/, 'linux/arm64'),
);

export const networkField = z.union(
  [
    z.enum(['none', 'full']),
    z.strictObject({ allow: z.array(nameField('host names')).max(1000) }),
    z.strictObject({ name: nameField('the name of a network') }),
  ],
  { error: 'must be "none", "full", {"allow": ["host", …]} or {"name": "…"}' },
);

export const gpusField = z.union(
  [z.int().min(1).max(1024), z.strictObject({ ids: z.array(nameField('ids')).min(1).max(1024) })],
  { error: 'must be a number of GPUs or {"ids": ["…"]}' },
);

/** Becomes a folder's name; so neither `.` nor `..`, nor anything that a shell or a path takes for something else. */
export const volumeNameField = z
  .string({ error: 'must be the name of a volume' })
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
    'must be the name of a volume: up to 64 letters, digits, "_", "." or "-", the first a letter or a digit',
  );

export const volumesField = z
  .array(volumeNameField, { error: 'must be a list of names of volumes' })
  .max(maxVolumes, `must be at most ${maxVolumes}`)
  .refine((names) => new Set(names).size === names.length, 'must not name a volume twice');

export const executionIdField = z
  .string({ error: 'must be a string' })
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "-" or "_"');

const cells = z
  .int({ error: 'must be a whole number from 1 to 10000' })
  .min(1, 'must be at least 1')
  .max(10_000, 'must be at most 10000');

/** Of a terminal, in cells. */
export const ttySizeField = z.strictObject({ cols: cells, rows: cells });
