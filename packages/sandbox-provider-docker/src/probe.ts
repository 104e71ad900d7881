import type { Enforcement, ProviderCapabilities, ProviderProbe } from '@ergon/sandbox-core';
import { hasErrorCode, sentenceOf } from '@ergon/sandbox-core';
import type { EngineFacts } from './container/config.js';
import { architecture } from './engine/architecture.js';
import type { Engine } from './engine/engine.js';
import { ImageList } from './images.js';

/** An engine that hangs is not waited for longer, in ms. */
export const PROBE_MS = 8000;
/** Engine 20.10: cgroup namespaces, `one-shot` measurements. */
const OLDEST_API = [1, 41] as const;

/** An engine that is fit for sandboxes. */
export interface UsableEngine {
  readonly facts: EngineFacts;
  /** It maps the uids of containers to others, of which it has only some. */
  readonly mapsUsers: boolean;
  readonly images: ImageList;
  readonly arch: string;
  readonly limits: { readonly memory: boolean; readonly cpu: boolean; readonly pids: boolean };
  readonly details: Readonly<Record<string, string>>;
}

export type Unusable = Extract<ProviderProbe, { available: false }>;

/** Asks an engine what it is. Never throws, but what the signal says. */
export async function probeEngine(
  engine: Engine,
  where: string,
  signal?: AbortSignal,
): Promise<UsableEngine | Unusable> {
  try {
    const [info, version, images] = await Promise.all([
      engine.info(signal, PROBE_MS),
      engine.version(signal, PROBE_MS),
      engine.images(signal, PROBE_MS),
    ]);
    return judge(info, version, new ImageList(images));
  } catch (error) {
    if (signal?.aborted === true) throw error;
    return unreachable(error, where);
  }
}

/** What an engine's own account of itself means for sandboxes. Pure. */
export function judge(
  info: Readonly<Record<string, unknown>>,
  version: Readonly<Record<string, unknown>>,
  images: ImageList,
): UsableEngine | Unusable {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const api = text(version.ApiVersion);
  const engineVersion = text(info.ServerVersion);
  if (text(info.OSType) !== 'linux') {
    return no(
      `The Docker engine runs ${text(info.OSType) || 'other'} containers; sandboxes are Linux containers.`,
      'Switch it to Linux containers.',
    );
  }
  if (!atLeast(api, OLDEST_API)) {
    return no(
      `The Docker engine ${engineVersion} speaks API ${api || 'of no version'}; ${OLDEST_API.join('.')} is needed.`,
      'Install Docker Engine 20.10 or newer.',
    );
  }
  const security = Array.isArray(info.SecurityOptions) ? info.SecurityOptions.map(String) : [];
  if (!security.some((option) => option.includes('name=seccomp'))) {
    return no(
      'The Docker engine has no seccomp, without which a container is no sandbox.',
      'Use a kernel with CONFIG_SECCOMP_FILTER and an engine that was built with seccomp.',
    );
  }
  if (info.MemoryLimit !== true || info.PidsLimit !== true) {
    const missing = info.MemoryLimit !== true ? 'memory' : 'processes';
    return no(
      `The Docker engine cannot limit the ${missing} of a container here.`,
      security.includes('name=rootless')
        ? 'Give a rootless engine cgroup v2 with delegated controllers (systemd: Delegate=cpu cpuset io memory pids).'
        : 'Switch the memory and pids controllers of the kernel on (cgroup_enable=memory on its command line).',
    );
  }
  const cgroupVersion = text(info.CgroupVersion) === '2' ? 2 : 1;
  const rootless = security.includes('name=rootless');
  const mapsUsers = rootless || security.includes('name=userns');
  return {
    facts: {
      cgroupVersion,
      cpus: Number(info.NCPU) || 1,
      memoryBytes: Number(info.MemTotal) || 0,
      swapLimit: info.SwapLimit === true,
      outlived: info.LiveRestoreEnabled === true,
    },
    mapsUsers,
    images,
    arch: architecture(text(info.Architecture)),
    limits: { memory: true, cpu: info.CpuCfsQuota === true, pids: true },
    details: {
      engine: engineVersion,
      api,
      cgroup: `v${cgroupVersion}`,
      storage: text(info.Driver),
      system: text(info.OperatingSystem),
      ...(info.LiveRestoreEnabled === true && { liveRestore: 'a lost program ends within a minute' }),
      ...(mapsUsers && { users: rootless ? 'rootless' : 'mapped' }),
    },
  };
}

/**
 * The images that were there when these capabilities were found. They belong to them, and not to `details`: an engine has thousands, and their names are not for
 * everyone who may ask what a server can do.
 */
const found = new WeakMap<ProviderCapabilities, ImageList>();

/** Null: these capabilities are of no probe's making, and nothing is known. */
export function imagesOf(capabilities: ProviderCapabilities): ImageList | null {
  return found.get(capabilities) ?? null;
}

/**
 * @param network the modes that can be made
 * @param sizesVolumes the engine bounds each volume by itself; else the disk is looked at
 */
export function capabilitiesOf(
  engine: UsableEngine,
  network: ProviderCapabilities['network'],
  sizesVolumes: boolean,
): ProviderCapabilities {
  const { facts, limits, arch, details } = engine;
  const kept = (hard: boolean): Enforcement => (hard ? 'hard' : 'none');
  const capabilities: ProviderCapabilities = {
    isolation: 'container',
    platforms: [`linux/${arch}`],
    limits: {
      memory: facts.swapLimit ? 'hard' : 'best-effort', // without it a program may swap instead
      cpu: kept(limits.cpu),
      pids: kept(limits.pids),
      disk: sizesVolumes ? 'hard' : 'best-effort',
      'open-files': 'hard',
      'file-size': 'hard',
      output: 'hard',
      'wall-time': 'hard',
    },
    adjustable: ['memory', ...(limits.cpu ? (['cpu'] as const) : []), 'pids', 'wall-time'],
    network,
    stdin: true,
    tty: true,
    signals: true,
    files: true,
    usage: true,
    mounts: true,
    gpu: false,
    persistence: true,
    images: true,
    services: true,
    runtimes: [],
    machine: { cpus: facts.cpus, memoryBytes: facts.memoryBytes || null, diskBytes: null },
    details,
  };
  found.set(capabilities, engine.images);
  return capabilities;
}

function unreachable(error: unknown, where: string): Unusable {
  const cause = typeof error === 'object' && error !== null && 'cause' in error ? error.cause : error;
  if (hasErrorCode(cause, 'EACCES') || hasErrorCode(cause, 'EPERM')) {
    return no(
      `This user may not use the Docker engine at ${where}.`,
      'Add the user of the server to the group "docker" and start it again, or use a rootless engine.',
    );
  }
  if (hasErrorCode(cause, 'ENOENT') || hasErrorCode(cause, 'ECONNREFUSED')) {
    return no(
      `No Docker engine answers at ${where}.`,
      'Start it ("systemctl start docker"), install it ("apt-get install docker.io"), or name another by DOCKER_HOST.',
    );
  }
  return no(
    `The Docker engine at ${where} gave no answer. ${sentenceOf(error)}`,
    'See whether "docker info" answers; if it hangs, start the engine again.',
  );
}

function no(reason: string, fix: string): Unusable {
  return { available: false, reason, fix };
}

function atLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [a = 0, b = 0] = version.split('.').map(Number);
  return a > major || (a === major && b >= minor);
}
