import type { SandboxRunner } from '@ergon/sandbox-core';
import { parseInput, SandboxError, volumeToWire } from '@ergon/sandbox-core';
import { Router } from 'express';
import { leftSignal } from '../http/left.js';
import { noQuery } from '../http/query.js';
import { resource } from '../http/resource.js';
import { volumeSchema, volumesQuerySchema } from '../wire/requests.js';

/** `/api/ergon/sandbox/volumes…`: the folders of solutions that outlive their sandboxes. */
export function volumeRoutes(runner: SandboxRunner): Router {
  const router = Router({ caseSensitive: true });
  resource(router, '/volumes', {
    get: async (request, response) => {
      const signal = leftSignal(response);
      const volumes = await runner.volumes({ ...parseInput(volumesQuerySchema, request.query), signal });
      response.json(volumes.map(volumeToWire));
    },
  });
  resource(router, '/volumes/:solution_id/:name', {
    delete: [
      noQuery,
      async (request, response) => {
        const { solution_id: solutionId, name } = parseInput(volumeSchema, request.params);
        await runner.removeVolume(solutionId, name);
        response.json({ success: true });
      },
    ],
  });
  // A variable of a shell that is not set makes such an address.
  router.all('/volumes/:solution_id', () => {
    throw new SandboxError('SANDBOX008', 'name: is missing in the path.', { field: 'name' });
  });
  return router;
}
