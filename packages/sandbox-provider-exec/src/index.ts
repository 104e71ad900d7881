import { contractVersion } from '@ergon/sandbox-core';
import type { SandboxProviderDefinition } from '@ergon/sandbox-core';
import { SandboxExecProvider } from './provider.js';

export { SandboxExecProvider } from './provider.js';

const definition: SandboxProviderDefinition<Record<string, never>> = {
  name: 'sandbox-exec',
  contract: contractVersion,
  options: {
    '~standard': {
      version: 1,
      vendor: 'ergon',
      validate: (value) =>
        typeof value === 'object' && value !== null && Object.keys(value).length === 0
          ? { value: {} }
          : { issues: [{ message: 'sandbox-exec takes no options.' }] },
    },
  },
  create: (_options, ports) => new SandboxExecProvider(ports),
};

export default definition;
