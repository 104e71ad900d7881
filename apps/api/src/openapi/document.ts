import { createDocument } from 'zod-openapi';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { actionSchema } from '../ws/messages.js';
import { eventSchema } from '../wire/responses.js';
import { registryPaths, sandboxPaths } from './operations.js';

export const sandboxBase = '/api/ergon/sandbox';
export const registryBase = '/api/ergon/registry';

const description = `Tests solutions in isolated sandboxes, and tells what happened.

Every failure is \`application/problem+json\` (RFC 9457) with a sentence and, where it is one of ours, a code. Bodies are JSON in UTF-8 with
names in snake_case; unknown fields are refused. Where the server has a token, each call brings it as a bearer.`;

/** OpenAPI 3.1 of the server, from the schemas that check what comes in and describe what goes out. */
export function openApiDocument(version: string): object {
  return createDocument(
    {
      openapi: '3.1.0',
      info: { title: 'Ergon Sandbox', version, description, license: { name: 'MIT', identifier: 'MIT' } },
      servers: [{ url: '/' }],
      security: [{}, { token: [] }],
      tags: [{ name: 'sandbox' }, { name: 'registry' }],
      paths: { ...below(sandboxBase, 'sandbox', sandboxPaths), ...below(registryBase, 'registry', registryPaths) },
      components: {
        schemas: { Action: actionSchema, Event: eventSchema },
        securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      },
    },
    {
      allowEmptySchema: { custom: true },
      // An object is open unless it says otherwise; where it says so, Swagger UI shows fields that nobody has.
      override: ({ jsonSchema }) => {
        if (jsonSchema.properties !== undefined && isEmpty(jsonSchema.additionalProperties)) {
          delete jsonSchema.additionalProperties;
        }
      },
    },
  );
}

function below(base: string, tag: string, paths: ZodOpenApiPathsObject): ZodOpenApiPathsObject {
  return Object.fromEntries(
    Object.entries(paths).map(([path, item]) => [
      base + path,
      Object.fromEntries(Object.entries(item).map(([method, operation]) => [method, { tags: [tag], ...operation }])),
    ]),
  );
}

function isEmpty(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && Object.keys(schema).length === 0;
}
