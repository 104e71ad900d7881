import { contractVersion } from '@ergon/sandbox-core';
import type { SandboxProviderDefinition } from '@ergon/sandbox-core';
import { dockerOptions, type DockerOptions } from './options.js';
import { DockerProvider } from './provider.js';

export { dockerOptions, type DockerOptions } from './options.js';
export { DockerProvider } from './provider.js';

const definition: SandboxProviderDefinition<DockerOptions> = {
  name: 'docker',
  contract: contractVersion,
  options: dockerOptions,
  create: (options, ports) => new DockerProvider(options, ports),
};

export default definition;
