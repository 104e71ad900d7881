import type { ZodOpenApiOperationObject, ZodOpenApiPathsObject, ZodOpenApiResponsesObject } from 'zod-openapi';
import { unitSchema } from '@ergon/sandbox-registry';
import { z } from 'zod';
import { bodies, examples as shown, paths } from '../wire/examples.js';
import * as requests from '../wire/requests.js';
import * as answers from '../wire/responses.js';
import { socketQuerySchema } from '../ws/messages.js';

const json = (schema: z.ZodType, description = 'Done'): ZodOpenApiResponsesObject[`${1 | 2 | 3 | 4 | 5}${string}`] => ({
  description,
  content: { 'application/json': { schema } },
});
const problem = (description: string): ReturnType<typeof json> => ({
  description,
  content: { 'application/problem+json': { schema: answers.problemSchema } },
});

/** Of a call that can fail in these ways, beside those that any call can. */
const problems = {
  '404': problem('Unknown'),
  '409': problem('A command runs already, other units depend on this one, or a sandbox has this volume'),
  '410': problem('No longer kept'),
  '413': problem('The body is too large'),
  '415': problem('A form, in place of the bytes themselves'),
  '416': problem('Nothing of the range is there'),
  '422': problem('A field is wrong; the sentence names it'),
  '426': problem('This is the address of a WebSocket'),
  '429': problem('Too many sandboxes'),
  '502': problem('The environment was lost, or the registry elsewhere does not answer as it should'),
  '503': problem('No provider can serve this, or the server is shutting down'),
  '507': problem('A resource limit is reached'),
} as const;
type Failure = keyof typeof problems;

const failures = (...statuses: Failure[]): ZodOpenApiResponsesObject => ({
  ...Object.fromEntries(statuses.map((status) => [status, problems[status]])),
  default: problem('Refused, or failed: the sentence says why'),
});

/** @param example what the page offers to send */
const body = (schema: z.ZodType, example: object): NonNullable<ZodOpenApiOperationObject['requestBody']> => ({
  required: true,
  content: { 'application/json': { schema, example } },
});
const stream = {
  description: 'The events of the execution, as they come',
  content: { 'text/event-stream': { schema: answers.streamEventSchema } },
};
const sandboxPath = { path: requests.sandboxIdSchema };

const bytes = z.unknown().meta({ type: 'string', format: 'binary' });
function download(folder: z.ZodType): ZodOpenApiResponsesObject {
  const headers = z.object({
    'Content-Disposition': z.string().optional(),
    'Content-Range': z.string().optional(),
  });
  return {
    '200': {
      description: 'A folder as JSON or as an archive, or the bytes of a file',
      headers,
      content: {
        'application/json': { schema: folder },
        'application/octet-stream': { schema: bytes },
        'application/x-tar': { schema: bytes },
        'application/zip': { schema: bytes },
      },
    },
    '206': { description: 'A part of a file', headers, content: { 'application/octet-stream': { schema: bytes } } },
  };
}

/** The calls of a folder itself, which has no POST and no DELETE, and of what is below it. */
function files(
  path: string,
  examples: (typeof paths)[keyof typeof paths],
  item: Readonly<Record<string, ZodOpenApiOperationObject>>,
): ZodOpenApiPathsObject {
  const anywhere = (example: string | undefined): z.ZodObject =>
    z.object({
      ...requests.sandboxIdSchema.shape,
      path: z.string().meta({ description: 'May have slashes, as they are or as `%2F`', param: { example } }),
    });
  const calls = Object.entries(item);
  return {
    [path]: Object.fromEntries(
      calls
        .filter(([method]) => method === 'get' || method === 'put')
        .map(([method, operation]) => [
          method,
          {
            ...operation,
            operationId: `${operation.operationId ?? ''}AtRoot`,
            requestParams: { ...operation.requestParams, ...sandboxPath },
          },
        ]),
    ),
    [`${path}/{path}`]: Object.fromEntries(
      calls.map(([method, operation]) => [
        method,
        {
          ...operation,
          requestParams: {
            ...operation.requestParams,
            path: anywhere(method === 'get' ? examples.get : examples.other),
          },
        },
      ]),
    ),
  };
}

/** Each call of the server: what it takes, by the schemas that check it, and what it answers. */
export const sandboxPaths: ZodOpenApiPathsObject = {
  '/test': {
    post: {
      operationId: 'openSandbox',
      summary: 'Open a sandbox for a solution',
      description:
        'Answers once the request is valid, admitted and its provider chosen; the preparation goes on, and `execute` waits for it.',
      requestBody: body(requests.testRequestSchema, bodies.test),
      responses: { '200': json(answers.testAnswer), ...failures('404', '422', '429', '502', '503') },
    },
  },
  '/execute': {
    post: {
      operationId: 'execute',
      summary: 'Run a command, and follow it',
      requestBody: body(requests.executeRequestSchema, bodies.execute),
      responses: { '200': stream, ...failures('404', '409', '410', '413', '422', '502', '507') },
    },
    get: {
      operationId: 'follow',
      summary: "Follow a sandbox's execution, as EventSource does",
      description:
        'Starts the default command if nothing ever ran. Never runs a solution twice. A ticket stands in for the token.',
      requestParams: {
        query: requests.followQuerySchema,
        header: z.object({
          'Last-Event-ID': z.string().optional().meta({ description: 'The last event that was seen' }),
        }),
      },
      responses: {
        '200': stream,
        '204': { description: 'There is nothing more to follow' },
        ...failures('404', '410', '422', '502', '507'),
      },
    },
  },
  '/ws/{sandbox_id}': {
    get: {
      operationId: 'connect',
      summary: 'A WebSocket: commands, their input, terminals, output',
      description:
        'Messages in: `Action`. Messages out: `Event`. Follows what runs from its start, or goes on after the event named by `after`. A ticket stands in for the token.',
      requestParams: { ...sandboxPath, query: socketQuerySchema },
      responses: { '101': { description: 'The WebSocket is open' }, ...failures('404', '410', '422', '426') },
    },
  },
  '/ticket': {
    post: {
      operationId: 'createTicket',
      summary: 'A ticket for what cannot send headers',
      description:
        'For one sandbox: `GET /execute` and its WebSocket. To be first used within a minute; then good until a minute after the end of its execution.',
      requestBody: body(requests.ticketRequestSchema, bodies.ticket),
      responses: { '200': json(answers.ticketAnswer), ...failures('404', '422') },
    },
  },
  '/active': {
    get: {
      operationId: 'listSandboxes',
      summary: 'The sandboxes that are here',
      responses: { '200': json(answers.activeAnswer), ...failures() },
    },
  },
  '/history': {
    get: {
      operationId: 'listExecutions',
      summary: 'Executions, newest first',
      requestParams: { query: requests.historyQuerySchema.in },
      responses: { '200': json(answers.historyAnswer), ...failures('422') },
    },
  },
  '/cleanup-all': {
    post: {
      operationId: 'removeSandboxes',
      summary: 'Remove every sandbox, running or not',
      responses: { '200': json(answers.cleanedAnswer), ...failures('422') },
    },
  },
  '/volumes': {
    get: {
      operationId: 'listVolumes',
      summary: 'The folders of solutions that outlive their sandboxes',
      description: 'Counts what each holds, which takes a second, or more where they hold many files.',
      requestParams: { query: requests.volumesQuerySchema.in },
      responses: { '200': json(answers.volumesAnswer), ...failures('422', '502', '503') },
    },
  },
  '/volumes/{solution_id}/{name}': {
    delete: {
      operationId: 'removeVolume',
      summary: 'Remove a volume with all that it holds',
      requestParams: { path: requests.volumeSchema },
      responses: { '200': json(answers.successAnswer), ...failures('404', '409', '422', '502', '503') },
    },
  },
  '/providers': {
    get: {
      operationId: 'listProviders',
      summary: 'What each provider can do on this machine',
      responses: { '200': json(answers.providersAnswer), ...failures() },
    },
  },
  '/health': {
    get: {
      operationId: 'health',
      summary: 'Whether a provider works',
      responses: { '200': json(answers.healthAnswer), ...failures() },
    },
  },
  '/executions/{execution_id}/events': {
    get: {
      operationId: 'getEvents',
      summary: 'The kept events of an execution; of one that runs: until its end',
      requestParams: { path: requests.executionIdSchema, query: requests.eventsQuerySchema },
      responses: { '200': json(answers.eventsAnswer), ...failures('404', '410', '422') },
    },
  },
  '/results/{sandbox_id}': {
    get: {
      operationId: 'getResult',
      summary: 'What is known of an execution',
      requestParams: { ...sandboxPath, query: requests.resultsQuerySchema },
      responses: { '200': json(answers.resultSchema), ...failures('404', '422') },
    },
  },
  ...files('/results/{sandbox_id}/files', paths.kept, {
    get: {
      operationId: 'getOutput',
      summary: 'What /output held when an execution ended; kept after the sandbox is gone',
      description: 'A folder lists, or comes as an archive; a file gives its bytes, or the range that is asked for.',
      requestParams: { query: requests.outputQuerySchema },
      responses: { ...download(answers.outputAnswer), ...failures('404', '409', '416', '422') },
    },
  }),
  ...files('/{sandbox_id}/files', paths.live, {
    get: {
      operationId: 'getFiles',
      summary: 'A folder or a file of the sandbox',
      description:
        'Below `workspace/` or `output/`; a path that begins with neither is below workspace. A folder lists, or comes as an archive; a file gives its bytes, or the range that is asked for. Links are never followed.',
      requestParams: { query: requests.filesQuerySchema },
      responses: {
        ...download(z.union([answers.listingAnswer, answers.fileEntrySchema])),
        ...failures('404', '409', '416', '422', '502', '507'),
      },
    },
    put: {
      operationId: 'putFiles',
      summary: 'Write a file, whole or not at all; make a folder; unpack an archive into a folder',
      requestParams: { query: requests.putQuerySchema },
      requestBody: { content: { 'application/octet-stream': { schema: bytes } } },
      responses: { '200': json(answers.writtenAnswer), ...failures('404', '409', '415', '422', '502', '507') },
    },
    post: {
      operationId: 'renameFile',
      summary: 'Move a file or a folder',
      requestParams: { query: requests.moveQuerySchema },
      responses: { '200': json(answers.movedAnswer), ...failures('404', '409', '422', '502', '507') },
    },
    delete: {
      operationId: 'removeFile',
      summary: 'Remove a file, a link, or a folder with all in it',
      responses: { '200': json(answers.successAnswer), ...failures('404', '409', '422', '502', '507') },
    },
  }),
  '/{sandbox_id}/stop': {
    post: {
      operationId: 'stopExecution',
      summary: 'End what runs, and keep the sandbox',
      requestParams: sandboxPath,
      responses: { '200': json(answers.stopAnswer), ...failures('404', '422') },
    },
  },
  '/{sandbox_id}': {
    delete: {
      operationId: 'removeSandbox',
      summary: 'Stop and remove a sandbox; its results stay',
      requestParams: sandboxPath,
      responses: { '200': json(answers.successAnswer), ...failures('404', '422', '502') },
    },
    patch: {
      operationId: 'changeLimits',
      summary: 'Change the limits of a live sandbox, where its provider can',
      requestParams: sandboxPath,
      requestBody: body(requests.limitsSchema, bodies.limits),
      description:
        'Of what runs, and of what is run later. What is not named stays; all that is named is changed, or nothing. Lowered to the ceiling of the server and to its machine. What the provider can change is its capability `adjustable`; `output_limit`, and `timeout` while nothing runs, can be changed always. A `memory_limit` below what is in use is refused.',
      responses: { '200': json(answers.limitsAnswer), ...failures('404', '422', '502', '507') },
    },
  },
};

const unitPath = { path: requests.unitIdSchema };
export const registryPaths: ZodOpenApiPathsObject = {
  '/store': {
    post: {
      operationId: 'storeUnit',
      summary: 'Store a unit; one that is there under its id is replaced',
      requestBody: body(unitSchema, bodies.unit),
      responses: { '200': json(answers.storedAnswer), ...failures('413', '422', '502', '503', '507') },
    },
  },
  '/search': {
    get: {
      operationId: 'searchUnits',
      summary: 'Units by type and name',
      requestParams: { query: requests.searchQuerySchema.in },
      responses: { '200': json(answers.searchAnswer), ...failures('422', '502', '503') },
    },
  },
  '/types': {
    get: {
      operationId: 'listTypes',
      summary: 'The types of units that are there',
      responses: { '200': json(answers.typesAnswer), ...failures('502', '503') },
    },
  },
  '/health': {
    get: {
      operationId: 'registryHealth',
      summary: 'What the registry holds',
      responses: { '200': json(answers.registryHealthAnswer), ...failures('502', '503') },
    },
  },
  '/{id}': {
    get: {
      operationId: 'getUnit',
      summary: 'A unit, with its last test results',
      requestParams: {
        path: z.object({ id: requests.unitIdField.meta({ param: { example: shown.solutionId } }) }),
      },
      responses: { '200': json(answers.unitWithResultsAnswer), ...failures('404', '422', '502', '503') },
    },
    delete: {
      operationId: 'deleteUnit',
      summary: 'Delete a unit on which no other depends',
      requestParams: unitPath,
      responses: { '200': json(answers.deletedAnswer), ...failures('404', '409', '422', '502', '503') },
    },
  },
};
