import type { SandboxRunner } from '@ergon/sandbox-core';
import { contentWarnings, parseInput, SandboxError, sentenceOf, testResultToWire } from '@ergon/sandbox-core';
import type { Registry } from '@ergon/sandbox-registry';
import { maxUnitBytes, unitSchema } from '@ergon/sandbox-registry';
import type { Request } from 'express';
import { Router } from 'express';
import { jsonBody } from '../http/body.js';
import { HttpError } from '../http/problem.js';
import { noQuery } from '../http/query.js';
import { resource } from '../http/resource.js';
import { sendSearch } from '../stream/search-body.js';
import { searchQuerySchema, unitIdSchema } from '../wire/requests.js';

/** Everything under `/api/ergon/registry`. */
export function registryRoutes(registry: Registry, runner: SandboxRunner): Router {
  const router = Router({ caseSensitive: true });

  resource(router, '/store', {
    post: [
      noQuery,
      jsonBody(maxUnitBytes),
      async (request, response) => {
        const unit = parseInput(unitSchema, request.body);
        const { id, replaced } = await registry.store(unit);
        const warnings = unit.type === 'solution' ? contentWarnings(unit.content) : [];
        response.json({
          success: true,
          id,
          message: `${replaced ? 'Replaced' : 'Stored'} ${unit.name} ${unit.version}`,
          ...(warnings.length > 0 && { warnings }),
        });
      },
    ],
  });
  resource(router, '/search', {
    get: async (request, response) => {
      const { units, truncated } = await registry.search(parseInput(searchQuerySchema, request.query));
      await sendSearch(response, units, truncated);
    },
  });
  resource(router, '/types', {
    get: [
      noQuery,
      async (_request, response) => {
        const types = await registry.types();
        response.json({ success: true, types, count: types.length });
      },
    ],
  });
  resource(router, '/health', {
    get: [
      noQuery,
      async (_request, response) => {
        const { units, byType, meetsStandards, testResults } = await registry.statistics();
        response.json({
          status: 'healthy',
          statistics: { units, by_type: byType, meets_standards: meetsStandards, test_results: testResults },
        });
      },
    ],
  });
  resource(router, '/:id', {
    get: [
      noQuery,
      async (request, response) => {
        const id = unitIdOf(request);
        const stored = await registry.get(id);
        if (stored === null) throw unknownUnit(id);
        response.json({ ...stored.unit, test_results: stored.testResults.map(testResultToWire) });
      },
    ],
    delete: [
      noQuery,
      async (request, response) => {
        const id = unitIdOf(request);
        const outcome = await registry.delete(id);
        if (outcome === 'unknown') throw unknownUnit(id);
        if (outcome !== 'deleted') {
          const dependents = outcome.dependents.join(', ');
          throw new HttpError(
            409,
            'Unit has dependents',
            `${id} cannot be deleted: its dependents are here (${dependents}).`,
          );
        }
        response.json({ success: true, message: `Deleted ${id}${await volumesLeft(runner, id)}` });
      },
    ],
  });
  return router;
}

function unitIdOf(request: Request): string {
  return parseInput(unitIdSchema, request.params).id;
}

/** What a solution leaves, as the rest of a sentence: its data is for a person to remove. */
async function volumesLeft(runner: SandboxRunner, solutionId: string): Promise<string> {
  try {
    const names = (await runner.volumes({ solutionId })).map(({ name }) => name);
    return names.length === 0 ? '' : `; its volumes stay until they are removed: ${names.join(', ')}`;
  } catch (error) {
    return `; whether it has volumes could not be told: ${sentenceOf(error)}`;
  }
}

function unknownUnit(id: string): SandboxError {
  return new SandboxError('SANDBOX002', `There is no unit "${id}" in the registry.`, { field: 'id' });
}
