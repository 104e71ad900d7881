import type { SandboxRunner } from '@ergon/sandbox-core';
import { parseInput, volumeToWire } from '@ergon/sandbox-core';
import type { Router } from 'express';
import { leftSignal } from '../http/left.js';
import { noQuery } from '../http/query.js';
import { resource } from '../http/resource.js';
import { volumeSchema, volumesQuerySchema } from '../wire/requests.js';

/** `/volumes…`: the folders of solutions that outlive their sandboxes. */
export function volumeRoutes(router: Router, runner: SandboxRunner): void {
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
}
