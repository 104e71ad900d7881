import { join } from 'node:path';
import { describeProvider } from '@ergon/sandbox-conformance';
import { hasStatus } from '../src/engine/errors.js';
import { dockerOptions, DockerProvider } from '../src/index.js';
import { LABEL } from '../src/names.js';
import { docker, leftovers } from './support/engine.js';
import { DEBIAN } from './support/server.js';

/** Folder for the report; without it the report is only printed. */
const folder = process.env.ERGON_TEST_REPORTS;

describeProvider({
  test,
  createProvider: (ports) =>
    new DockerProvider(dockerOptions.parse({ images: { default: DEBIAN, network: DEBIAN } }), ports),
  fixtures: {
    /** Ends its containers, as an administrator's `docker kill` would. */
    vanish: async ({ sandboxId, instanceId }) => {
      const label = [`${LABEL.instance}=${instanceId}`, `${LABEL.sandbox}=${sandboxId}`];
      for (const { Id } of await docker.listContainers({ filters: { label } })) {
        try {
          await docker.getContainer(Id).kill();
        } catch (error) {
          // What watches a program ends with it, before its turn comes.
          if (!hasStatus(error, 404) && !hasStatus(error, 409)) throw error;
        }
      }
    },
    leftovers: (instanceId) => leftovers(instanceId),
  },
  ...(folder !== undefined && { reportFile: join(folder, 'docker') }),
});
