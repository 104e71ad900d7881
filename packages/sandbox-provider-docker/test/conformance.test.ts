import { join } from 'node:path';
import { describeProvider } from '@ergon/sandbox-conformance';
import { Engine } from '../src/engine/engine.js';
import { dockerOptions, DockerProvider } from '../src/index.js';
import { LABEL } from '../src/names.js';
import { docker, leftovers } from './support/engine.js';
import { DEBIAN } from './support/server.js';

/** Folder for the report; without it the report is only printed. */
const folder = process.env.ERGON_TEST_REPORTS;

const engine = new Engine(docker);

describeProvider({
  test,
  createProvider: (ports) =>
    new DockerProvider(dockerOptions.parse({ images: { default: DEBIAN, network: DEBIAN } }), ports),
  fixtures: {
    /** Ends its containers, as an administrator's `docker kill` would. */
    vanish: async ({ sandboxId, instanceId }) => {
      const label = [`${LABEL.instance}=${instanceId}`, `${LABEL.sandbox}=${sandboxId}`];
      for (const { Id } of await docker.listContainers({ filters: { label } })) {
        await engine.kill(Id); // harmless for what watches a program, which ends with it before its turn comes
      }
    },
    leftovers: (instanceId) => leftovers(instanceId),
  },
  ...(folder !== undefined && { reportFile: join(folder, 'docker') }),
});
