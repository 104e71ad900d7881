import { environmentField } from '../config/fields.js';
import { resolveLimits, wishesOf } from '../config/limits.js';
import type { LimitWishes, ResolvedLimits } from '../config/limits.js';
import { parseInput } from '../config/parse.js';
import { resolveServices, type ServiceWishes } from '../config/services.js';
import type { ParsedRequest } from '../config/request.js';
import type { NetworkPolicy, SandboxConfig } from '../contract/config.js';
import { SandboxError } from '../contract/error.js';
import { maxVolumes, persistentVolume, volumesFolder } from '../contract/volumes.js';
import type { SandboxVolume } from '../contract/volumes.js';
import { ignoredFields } from '../solution/content.js';
import type { Solution } from '../solution/content.js';

/** What a sandbox gets from the house, beside the wishes of its solution and its request. */
export interface HouseRules {
  readonly sandboxId: string;
  readonly instanceId: string;
  readonly ownerId: string;
  readonly ceiling: Ceiling;
  /** Of its volumes. Null: it keeps none. */
  readonly storeId: string | null;
}

/** What no sandbox of a server goes beyond. Limits are lowered to it; a network beyond it is refused. */
export type Ceiling = LimitWishes & {
  /** @default "full" */
  readonly network?: 'none' | 'full' | undefined;
};

export interface Configured extends Pick<ResolvedLimits, 'asked' | 'notes'> {
  readonly config: SandboxConfig;
  /** What its limits may be raised to: the server's ceiling, without what its services take of it. */
  readonly ceiling: LimitWishes;
}

/**
 * The configuration of a sandbox: the request's wish, else the solution's, else the default, never above the ceiling. Pure.
 * @throws SandboxError SANDBOX008, SANDBOX009.
 */
export function configureSandbox(solution: Solution, request: ParsedRequest, house: HouseRules): Configured {
  refuseUnbuilt(solution, request);
  const { ceiling, storeId, ...ids } = house;
  const { services, ...shared } = resolveServices(request.services, solution.services, ceiling);
  const { limits, asked, notes } = resolveLimits(wishesOf(request), solution.limits, shared.ceiling);
  const network = networkPolicy(request.network ?? (solution.network ? 'full' : 'none'));
  if (ceiling.network === 'none' && network.mode !== 'none') {
    const field = request.network === undefined ? 'content.requires_network' : 'network';
    throw new SandboxError('SANDBOX009', `${field}: this server allows no network.`, { field });
  }
  const environment = { ...solution.environment, ...request.environment };
  const image = request.image ?? solution.image;
  const gpus = request.gpus ?? (solution.gpu ? 1 : undefined);
  const volumes = volumesOf(solution, request, { storeId, ownerId: house.ownerId });
  const config: SandboxConfig = {
    ...ids,
    limits,
    network,
    environment: parseInput(environmentField, environment, 'environment'),
    mounts: [],
    ...(solution.language !== undefined && { language: solution.language }),
    ...(image !== undefined && { image }),
    ...(services !== undefined && { services }),
    ...(gpus !== undefined && { gpus }),
    ...(request.runtime !== undefined && { runtime: request.runtime }),
    ...(solution.platform !== undefined && { platform: solution.platform }),
    ...(volumes.length > 0 && { volumes }),
    ...(solution.persistence && { persistence: true }),
  };
  return {
    config,
    asked,
    ceiling: shared.ceiling,
    notes: [...shared.notes, ...notes, ...ignoredFields(solution.unknownFields)],
  };
}

/** Those of the solution and of the request, each once. */
function volumesOf(
  solution: Solution,
  request: ParsedRequest,
  { storeId, ownerId }: Pick<HouseRules, 'storeId' | 'ownerId'>,
): SandboxVolume[] {
  const own = [...(solution.persistence ? [persistentVolume] : []), ...solution.volumes];
  const names = [...new Set([...own, ...(request.volumes ?? [])])];
  if (names.length === 0) return [];
  const field =
    own.length > 0 ? (solution.persistence ? 'content.requires_persistence' : 'content.volumes') : 'volumes';
  if (storeId === null) {
    throw new SandboxError('SANDBOX009', `${field}: nothing outlives a run here, so that there are no volumes.`, {
      field,
    });
  }
  if (names.length > maxVolumes) {
    throw new SandboxError(
      'SANDBOX008',
      `volumes: the request and its solution ask for ${names.length} volumes; a solution has at most ${maxVolumes}.`,
      { field: 'volumes' },
    );
  }
  return names.map((name) => ({
    storeId,
    ownerId,
    solutionId: solution.id,
    name,
    target: `${volumesFolder}/${name}`,
  }));
}

/** What later work brings is refused until it is there, never ignored. */
function refuseUnbuilt(solution: Solution, request: ParsedRequest): void {
  const refuse = (field: string, what: string): never => {
    throw new SandboxError('SANDBOX009', `${field}: ${what} not supported yet.`, { field });
  };
  if (solution.requirements.length > 0) refuse('content.requirements', 'installing requirements is');
  if (typeof request.network === 'object') refuse('network', 'any network but "none" and "full" is');
  const ofServices = (path: string, services: ServiceWishes = {}): [string, Readonly<Record<string, string>>][] =>
    Object.entries(services).map(([name, { environment = {} }]) => [`${path}.${name}.environment`, environment]);
  for (const [where, environment] of [
    ['content.environment', solution.environment],
    ['environment', request.environment ?? {}],
    ...ofServices('content.services', solution.services),
    ...ofServices('services', request.services),
  ] as const) {
    for (const [name, value] of Object.entries(environment)) {
      if (/\$\{[^}]*\}/.test(value)) refuse(`${where}.${name}`, 'a reference such as ${NAME} is');
    }
  }
}

function networkPolicy(network: NonNullable<ParsedRequest['network']>): NetworkPolicy {
  if (typeof network === 'string') return { mode: network };
  return 'allow' in network ? { mode: 'allowlist', allow: network.allow } : { mode: 'named', name: network.name };
}
