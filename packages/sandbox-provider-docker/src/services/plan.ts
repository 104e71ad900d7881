import type { ServiceConfig } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';
import { normalFolder, securityOptions, type EngineFacts } from '../container/config.js';
import type { EngineImage } from '../engine/engine.js';

/** One service of a sandbox, with all that was looked up for it. */
export interface ServicePlan {
  /** By which it is reached. */
  readonly name: string;
  readonly config: ServiceConfig;
  readonly image: EngineImage;
  /** Its user and group, which nothing else of the machine has. */
  readonly uid: number;
}

/** What its container joins, and what it is made with. */
export interface ServiceSurroundings {
  readonly engine: EngineFacts;
  readonly labels: Readonly<Record<string, string>>;
  readonly networkMode: string;
  readonly pidMode: string;
  readonly seccomp: string;
}

/** Writable in a container whose root is not, as Podman's `--read-only` has it. */
const FOLDERS = ['/tmp', '/var/tmp', '/run'];
const HOME = '/tmp';
const OPEN_FILES = 4096;
const BYTES_PER_INODE = 4096;

/** Docker's configuration of a service's container: the image's own entry point, working folder and variables; all else is ours. */
export function serviceConfig(plan: ServicePlan, around: ServiceSurroundings): Dockerode.ContainerCreateOptions {
  const { config, image, uid } = plan;
  const { engine, labels } = around;
  const { memoryBytes, cpus, pids } = config.limits;
  const variables = { ...(hasVariable(image, 'HOME') ? {} : { HOME }), ...config.environment };
  return {
    Image: image.id,
    User: `${uid}:${uid}`,
    ...(config.command !== undefined && { Cmd: [...config.command] }),
    Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    Labels: { ...labels },
    Healthcheck: { Test: ['NONE'] },
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      CapDrop: ['ALL'],
      SecurityOpt: securityOptions(around.seccomp),
      ReadonlyRootfs: true,
      Privileged: false,
      NetworkMode: around.networkMode,
      PidMode: around.pidMode,
      IpcMode: 'private',
      ...{ CgroupnsMode: 'private' }, // of API 1.41, and unknown to the types of dockerode
      Memory: memoryBytes,
      ...(engine.swapLimit && { MemorySwap: memoryBytes }),
      ...(engine.cgroupVersion === 1 && engine.swapLimit && { MemorySwappiness: 0 }),
      NanoCpus: Math.round(Math.min(cpus, engine.cpus) * 1e9),
      PidsLimit: pids,
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'nofile', Soft: OPEN_FILES, Hard: OPEN_FILES },
        // 1, not 0: see the run container's.
        { Name: 'core', Soft: 1, Hard: 1 },
      ],
      ShmSize: memoryBytes,
      Tmpfs: temporaryFolders(plan),
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
    },
  };
}

/** They are memory, and bounded by it. Its own, since some programs refuse a folder of others. */
function temporaryFolders({ config, image, uid }: ServicePlan): Record<string, string> {
  const { memoryBytes } = config.limits;
  const inodes = Math.max(1024, Math.floor(memoryBytes / BYTES_PER_INODE));
  const options = `rw,exec,nosuid,nodev,size=${memoryBytes},nr_inodes=${inodes},mode=0755,uid=${uid},gid=${uid}`;
  const folders = [...FOLDERS, ...image.volumes.map(normalFolder), ...config.tmpfs];
  return Object.fromEntries(folders.map((folder) => [folder, options]));
}

function hasVariable({ environment }: EngineImage, name: string): boolean {
  return environment.some((variable) => variable.startsWith(`${name}=`));
}
