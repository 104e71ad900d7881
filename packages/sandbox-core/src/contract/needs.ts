import type { ProviderCapabilities } from './capabilities.js';
import type { SandboxConfig } from './config.js';
import type { Refusal } from './provider.js';

/** What a configuration asks for beyond these capabilities. */
export function unmetNeeds(config: SandboxConfig, capabilities: ProviderCapabilities): readonly Refusal[] {
  const refusals: Refusal[] = [];
  const need = (asked: boolean, has: boolean, field: string, what: string): void => {
    if (asked && !has) refusals.push({ field, message: `${what} is not supported here.` });
  };
  need(true, capabilities.network.includes(config.network.mode), 'network', `Network mode "${config.network.mode}"`);
  need(config.gpus !== undefined, capabilities.gpu, 'gpus', 'A GPU');
  need(config.persistence === true, capabilities.persistence, 'requires_persistence', 'Persistence');
  const volumes = config.persistence === true ? 0 : (config.volumes?.length ?? 0); // one sentence is enough
  need(volumes > 0, capabilities.persistence, 'volumes', 'A volume');
  need(config.image !== undefined, capabilities.images, 'image', 'An image');
  need(config.services !== undefined, capabilities.services, 'services', 'A service');
  need(config.mounts.length > 0, capabilities.mounts, 'mounts', 'A mount');
  const { runtime, platform } = config;
  need(
    runtime !== undefined,
    runtime !== undefined && capabilities.runtimes.includes(runtime),
    'runtime',
    `Runtime "${runtime ?? ''}"`,
  );
  need(
    platform !== undefined && platform !== 'any',
    capabilities.platforms.some((found) => found === platform || found.split('/')[0] === platform),
    'platform',
    `Platform "${platform ?? ''}"`,
  );
  return refusals;
}
