import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describeProvider } from '@ergon/sandbox-conformance';
import { Engine } from '../src/engine/engine.js';
import { dockerOptions, DockerProvider } from '../src/index.js';
import { LABEL } from '../src/names.js';
import { docker, leftovers } from './support/engine.js';
import { hostAddressesOf, link, publicAddressOf, reached, serve } from './support/neighbours.js';
import { DEBIAN } from './support/server.js';

/** Folder for the report; without it the report is only printed. */
const folder = process.env.ERGON_TEST_REPORTS;

const engine = new Engine(docker);
/** The test's services listen there on all addresses of where they are; another test's may stand beside them. */
const port = 7787;
const place = { device: 'ergon-suite', range: '198.51.100' };
const isPrivate = (address: string): boolean => !address.startsWith(`${place.range}.`);
const plain = `ergon-test-${randomUUID()}`;

/** What was made, last first. */
const undo: (() => PromiseLike<unknown>)[] = [];
beforeAll(async () => {
  const [host, beyond] = [await serve('host', port), await serve('none', port)];
  undo.unshift(
    () => host[Symbol.asyncDispose](),
    () => beyond[Symbol.asyncDispose](),
  );
  undo.unshift(await link(beyond, place));
  const network = await docker.createNetwork({ Name: plain });
  undo.unshift(() => network.remove());
});
afterAll(async () => {
  for (const each of undo) await each();
});

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
    reachable: { host: publicAddressOf(place), port },
    beside: {
      // An address of the host's that is in no private range is known only where the engine is on the network of this process.
      get services() {
        const ours = Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address));
        const known = hostAddressesOf(place).filter((host) => isPrivate(host) || ours.includes(host));
        return known.map((host) => ({ host, port }));
      },
      reaches: async ({ host }) => (await reached(plain, port, [host])).length === 1,
    },
  },
  ...(folder !== undefined && { reportFile: join(folder, 'docker') }),
});
