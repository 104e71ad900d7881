import {
  commandField,
  cpuField,
  diskField,
  environmentField,
  executionIdField,
  gpusField,
  imageField,
  memoryField,
  networkField,
  outputField,
  parseEventId,
  pidsField,
  providerField,
  runtimeField,
  servicesField,
  timeoutField,
  volumeNameField,
  volumesField,
} from '@ergon/sandbox-core';
import type { ExecuteRequest, LimitsRequest, SandboxRequest } from '@ergon/sandbox-core';
import type { SearchFilter } from '@ergon/sandbox-registry';
import { z } from 'zod';

const idField = (what: string): z.ZodString =>
  z
    .string({ error: `must be the id of ${what}` })
    .regex(/^[\w.:@-]{1,128}$/, `must be the id of ${what}`)
    .meta({ description: `The id of ${what}` });

export const sandboxIdField = idField('a sandbox');
export const unitIdField = idField('a unit');
/** JSON Schema of one service, in Compose's words. */
const serviceSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    image: { type: 'string' },
    command: { type: 'array', items: { type: 'string' } },
    environment: { type: 'object', additionalProperties: { type: 'string' } },
    healthcheck: {
      type: 'object',
      additionalProperties: false,
      properties: {
        test: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
        interval: { type: ['string', 'number'], examples: ['5s'] },
        timeout: { type: ['string', 'number'], examples: ['3s'] },
        retries: { type: 'integer', minimum: 1, maximum: 1000 },
        start_period: { type: ['string', 'number'], examples: ['30s'] },
      },
    },
    tmpfs: { type: 'array', items: { type: 'string' } },
    memory_limit: { type: 'string', examples: ['512m'] },
    cpu_limit: { type: 'number' },
    pids_limit: { type: 'integer' },
  },
} as const;

export const flag = z.boolean({ error: 'must be true or false' });

/** A size as the core parses it, which takes the text. */
const sizeText = (field: z.ZodType<number, string>): z.ZodType<string, string> =>
  z
    .string({ error: 'must be a size such as "512m" or "4g"' })
    .superRefine((text, context) => {
      const parsed = field.safeParse(text);
      if (!parsed.success)
        context.addIssue({ code: 'custom', message: parsed.error.issues[0]?.message ?? 'must be a size' });
    })
    .meta({ pattern: '^\\d+(\\.\\d+)?[bkmgtBKMGT]?$', examples: ['512m'] });

const limitFields = {
  timeout: timeoutField.optional().meta({ description: 'Seconds that a run may take. Default 300' }),
  memory_limit: sizeText(memoryField).optional().meta({ description: 'Default "4g"' }),
  cpu_limit: cpuField.optional().meta({ description: 'CPUs. Default 4' }),
  disk_limit: sizeText(diskField).optional().meta({ description: 'Of workspace and output. Default "1g"' }),
  pids_limit: pidsField.optional().meta({ description: 'Processes. Default 256' }),
  output_limit: sizeText(outputField)
    .optional()
    .meta({ description: 'What is kept of the output. Default "64m", at most "1g"' }),
};

/** Services as the core parses them, which takes them as they are written here. */
const servicesText = z
  .custom<NonNullable<SandboxRequest['services']>>()
  .superRefine((services, context) => {
    const parsed = servicesField.safeParse(services);
    for (const issue of parsed.error?.issues ?? []) {
      const [unknown] = issue.code === 'unrecognized_keys' ? issue.keys : [];
      const path = unknown === undefined ? issue.path : [...issue.path, unknown];
      context.addIssue({
        code: 'custom',
        path,
        message: unknown === undefined ? issue.message : 'is not a known field',
      });
    }
  })
  .meta({ type: 'object', additionalProperties: serviceSchema, description: 'By name, beside those of the solution' });

const testSchema = z.strictObject({
  solution_id: idField('a solution'),
  provider: providerField.optional(),
  ...limitFields,
  environment: environmentField.optional().meta({ type: 'object', additionalProperties: { type: 'string' } }),
  network: networkField.optional(),
  image: imageField.optional(),
  runtime: runtimeField.optional(),
  volumes: volumesField.optional().meta({
    description: "Names of the solution's volumes, which outlive the sandbox; each is found at /volumes/NAME",
  }),
  gpus: gpusField.optional(),
  services: servicesText.optional(),
  strict: flag
    .optional()
    .meta({ description: 'Refuse a stand-in for the named provider, and limits that are best effort' }),
  run: flag.optional().meta({ description: "Start the solution's command at once" }),
});

/** `POST /test` */
export const testRequestSchema = testSchema.transform(
  ({ solution_id, timeout, memory_limit, cpu_limit, disk_limit, pids_limit, output_limit, ...same }) => ({
    solutionId: solution_id,
    request: {
      ...defined<SandboxRequest>(same),
      ...limitsOf({ timeout, memory_limit, cpu_limit, disk_limit, pids_limit, output_limit }),
    },
  }),
);

/** By the core's names. */
function limitsOf(fields: z.output<z.ZodObject<typeof limitFields>>): LimitsRequest {
  return defined<LimitsRequest>({
    timeout: fields.timeout,
    memoryLimit: fields.memory_limit,
    cpuLimit: fields.cpu_limit,
    diskLimit: fields.disk_limit,
    pidsLimit: fields.pids_limit,
    outputLimit: fields.output_limit,
  });
}

/** `POST /execute` */
export const executeRequestSchema = z
  .strictObject({
    sandbox_id: sandboxIdField,
    command: commandField
      .optional()
      .meta({ description: "The program and its arguments. Default: the solution's own command" }),
    test: flag.optional().meta({ description: "The solution's `test_command`, in place of a command" }),
    stdin: z.string({ error: 'must be text' }).optional().meta({ description: 'What the program reads, whole' }),
    raw: flag.default(false).meta({ description: 'Output as bytes instead of lines' }),
    execution_id: executionIdField
      .optional()
      .meta({ description: 'Yours: the same again follows that execution, and never starts a second' }),
  })
  .refine((body) => body.command === undefined || body.test !== true, {
    path: ['test'],
    error: 'must not be true where a command is given',
  })
  .refine(
    ({ sandbox_id, execution_id }) => !execution_id?.startsWith('first-') || execution_id === `first-${sandbox_id}`,
    {
      path: ['execution_id'],
      error: 'must not begin with "first-": that is how the first run of a sandbox is named',
    },
  )
  .transform(({ sandbox_id, raw, execution_id, ...same }) => ({
    sandboxId: sandbox_id,
    raw,
    request: defined<ExecuteRequest>({ ...same, executionId: execution_id }),
  }));

/** `PATCH /{sandbox_id}` */
export const limitsSchema = z.strictObject(limitFields).transform((fields) => limitsOf(fields));

/** A query parameter; one that is given twice is a list, which no field takes. What describes its text describes it. */
const parameter = <Output>(text: z.ZodType<Output, string>): z.ZodOptional<z.ZodType<Output, string>> =>
  text.optional().meta({ description: text.description });
export const once = z.string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be given once') });
const trueOrFalse = once
  .pipe(z.enum(['true', 'false'], { error: 'must be true or false' }))
  .transform((text) => text === 'true');

/** A parameter that is true or false. */
export const yes = (description: string): z.ZodOptional<z.ZodType<boolean, string>> =>
  parameter(trueOrFalse.meta({ type: 'boolean', description }));

/** The id of an event, as a transform of its text. */
export function eventPlace(text: string, context: z.RefinementCtx): { executionId: string; seq: number } {
  const id = parseEventId(text);
  if (id !== null) return id;
  context.addIssue({ code: 'custom', message: 'must be the id of an event, <execution_id>:<number>' });
  return z.NEVER;
}

const wholeNumber = (min: number, max: number): z.ZodType<number, string> => {
  const error = `must be a whole number from ${min} to ${max}`;
  return once
    .regex(/^\d{1,15}$/, error)
    .transform(Number)
    .pipe(z.int().min(min, error).max(max, error))
    .meta({ type: 'integer', minimum: min, maximum: max });
};

/** It was looked at before. */
export const ticketField = parameter(once.meta({ description: 'From `POST /ticket`, in place of the token' }));
export const followQuerySchema = z.strictObject({ sandbox_id: sandboxIdField, ticket: ticketField });

/** `POST /ticket` */
export const ticketRequestSchema = z.strictObject({ sandbox_id: sandboxIdField });

/** Header of `GET /execute`; an empty one is what a browser sends that has no id yet. */
export const lastEventIdSchema = z.object({
  'last-event-id': z
    .string()
    .optional()
    .transform((text, context) => (text === undefined || text === '' ? null : eventPlace(text, context))),
});

const executionOf = parameter(
  once.pipe(executionIdField).meta({ description: 'Default: the one that runs, or ran last' }),
);
const waitError = 'must be a number of seconds from 0 to 86400';
export const resultsQuerySchema = z.strictObject({
  execution_id: executionOf,
  wait: parameter(
    once
      .regex(/^\d{1,5}(\.\d{1,9})?$/, waitError)
      .transform(Number)
      .pipe(z.number().max(86_400, waitError))
      .meta({ type: 'number', minimum: 0, maximum: 86_400, description: 'Seconds to wait for the end of a run' }),
  ),
});

export const historyQuerySchema = z
  .strictObject({
    solution_id: parameter(once.pipe(idField('a solution')).meta({ description: 'Of this solution alone' })),
    limit: parameter(wholeNumber(1, 1000).meta({ description: 'Most executions. Default 50' })),
    before: parameter(
      once
        .refine(isExecutionIdOrTime, 'must be the id of an execution, or a time such as 2026-11-24T20:00:00Z')
        .meta({ description: 'The id of an execution, or a time: what began before it' }),
    ),
  })
  .transform(({ solution_id, ...same }) =>
    defined<{ solutionId?: string; limit?: number; before?: string }>({ ...same, solutionId: solution_id }),
  );

function isExecutionIdOrTime(text: string): boolean {
  return executionIdField.safeParse(text).success || z.iso.datetime({ offset: true }).safeParse(text).success;
}

const archiveKinds = ['tar', 'zip'] as const;
const archive = (description: string): z.ZodOptional<z.ZodType<'tar' | 'zip', string>> =>
  parameter(once.pipe(z.enum(archiveKinds, 'must be tar or zip')).meta({ description, enum: archiveKinds }));
/** `GET /{sandbox_id}/files…` */
export const filesQuerySchema = z.strictObject({
  limit: parameter(wholeNumber(1, 100_000).meta({ description: 'Most entries of a folder. Default 10000' })),
  archive: archive(
    'A folder as an archive of this kind, with all that is in it: at most 100,000 entries as tar, 20,000 as zip',
  ),
  stat: yes('The entry alone, as JSON'),
});
/** `PUT /{sandbox_id}/files…` */
export const putQuerySchema = z
  .strictObject({
    archive: archive(
      'The body is an archive of this kind, to be unpacked into the folder at the path: at most 100,000 entries',
    ),
    folder: yes('Make a folder; the body is empty'),
  })
  .refine(({ archive: kind, folder }) => kind === undefined || folder !== true, {
    path: ['folder'],
    error: 'must not be true for an archive, which makes its folder',
  });
/** `POST /{sandbox_id}/files…` */
export const moveQuerySchema = z.strictObject({
  rename_to: z
    .string({
      error: ({ input }) => (input === undefined ? 'is missing; to write a file use PUT' : 'must be given once'),
    })
    .min(1, 'must be a path')
    .max(4096, 'must be at most 4096 characters')
    .meta({ description: 'The new path', param: { example: 'notes/yesterday.txt' } }),
});
/** `GET /results/{sandbox_id}/files…` */
export const outputQuerySchema = z.strictObject({
  execution_id: executionOf,
  archive: archive('A folder as an archive of this kind, with all that is in it'),
});

export const executionIdSchema = z.object({
  execution_id: executionIdField.meta({ description: 'The id of an execution' }),
});
export const sandboxIdSchema = z.object({ sandbox_id: sandboxIdField });
export const unitIdSchema = z.object({ id: unitIdField });

/** `GET /volumes` */
export const volumesQuerySchema = z
  .strictObject({
    solution_id: parameter(once.pipe(idField('a solution')).meta({ description: 'Of this solution alone' })),
  })
  .transform(({ solution_id }) => defined<{ solutionId?: string }>({ solutionId: solution_id }));
/** `DELETE /volumes/{solution_id}/{name}` */
export const volumeSchema = z.object({
  solution_id: idField('a solution').meta({ description: 'It need not be in the registry any more' }),
  name: volumeNameField.meta({ description: 'The name of the volume' }),
});

export const eventsQuerySchema = z.strictObject({
  after: parameter(
    once
      .regex(/^([A-Za-z0-9_-]{1,64}:)?\d{1,15}$/, 'must be the number or the id of an event')
      .transform((text) => parseEventId(text) ?? { executionId: null, seq: Number(text) })
      .meta({ type: 'string', description: 'The number or the id of an event: those after it' }),
  ),
  raw: yes('Output as bytes instead of lines'),
});

export const searchQuerySchema = z
  .strictObject({
    type: parameter(once.max(100, 'must have at most 100 characters').meta({ description: 'The type, e.g. solution' })),
    name: parameter(
      once.max(200, 'must have at most 200 characters').meta({ description: 'A part of the name, in any case' }),
    ),
    limit: parameter(wholeNumber(1, 1000).meta({ description: 'Most units. Default 100' })),
    meets_standards: yes('Only units that do, or that do not'),
  })
  .transform(({ meets_standards, ...same }) => defined<SearchFilter>({ ...same, meetsStandards: meets_standards }));

/** Without the fields that are undefined. */
function defined<Shape extends object>(fields: { [Key in keyof Shape]?: Shape[Key] | undefined }): Shape {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Shape;
}
