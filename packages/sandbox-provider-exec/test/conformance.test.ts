import { join } from 'node:path';
import { describeProvider } from '@ergon/sandbox-conformance';
import { processMarker } from '../src/posix/names.js';
import { killIfPresent } from '../src/posix/kill.js';
import { processesMarked } from '../src/linux/processes.js';
import { SandboxExecProvider } from '../src/provider.js';
import { leftovers } from './support/leftovers.js';
import { isRoot } from './support/server.js';

/** Folder for the report; without it the report is only printed. */
const folder = process.env.ERGON_TEST_REPORTS;
/** Names the kind of host where it is not the usual one. */
const shape = process.env.ERGON_TEST_SHAPE ?? (isRoot ? '' : 'as-user');
const report = shape === '' ? 'sandbox-exec' : `sandbox-exec-${shape}`;

describeProvider({
  test,
  createProvider: (ports) => new SandboxExecProvider(ports),
  fixtures: {
    /** Kills whatever we started for the sandbox outside of it, as an administrator's `kill` would. */
    vanish: async ({ sandboxId, instanceId }) => {
      const marker = processMarker(instanceId, sandboxId);
      for (const { pid } of processesMarked((word) => word === marker)) killIfPresent(pid, 'SIGKILL');
    },
    leftovers: async (instanceId, sandboxIds) => leftovers(instanceId, sandboxIds, '/nowhere'),
  },
  ...(folder !== undefined && { reportFile: join(folder, report) }),
});
