import { posix } from 'node:path';
import type { Refusal, SandboxLimits } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';
import type { Identity } from '../identity.js';
import { HOME, holderVariables, programPath } from './environment.js';
import { BEAT_WATCHERS, EXTRA_BIN, holderCommand } from './holder.js';

/** What an image says that matters here. */
export interface ImageFacts {
  /** As named by the request or the options. */
  readonly reference: string;
  readonly id: string;
  /** Its variables, `NAME=VALUE`. */
  readonly environment: readonly string[];
  /** Of its programs, in Node's names. */
  readonly arch: string;
  /** Paths that it declares as volumes. */
  readonly volumes: readonly string[];
}

/** What of the engine matters to a container's configuration. */
export interface EngineFacts {
  readonly cgroupVersion: 1 | 2;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly swapLimit: boolean;
  /** Containers go on while the engine is away (live-restore). */
  readonly outlived: boolean;
}

/** A folder of the sandbox: a volume at a fixed place. */
export interface VolumeMount {
  readonly volume: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface ContainerPlan {
  readonly image: ImageFacts;
  readonly engine: EngineFacts;
  readonly limits: SandboxLimits;
  readonly identity: Identity;
  readonly labels: Readonly<Record<string, string>>;
  readonly mounts: readonly VolumeMount[];
  /** `none`, or `container:ID` of one that holds a network. */
  readonly networkMode: string;
  readonly seccomp: string;
}

/** Processes of ours that the limit must not count: init and holder, and the program's three shells. */
const OWN_PROCESSES = 5;

export function ownProcesses({ outlived }: Pick<EngineFacts, 'outlived'>): number {
  return OWN_PROCESSES + (outlived ? BEAT_WATCHERS : 0);
}

/** With less an engine makes no container, or our own shells can't tell a program's end: they need nearly 20 files. */
const LEAST = [
  { limit: 'memoryBytes', least: 6 << 20, field: 'memory_limit', what: 'bytes of memory' },
  { limit: 'cpus', least: 0.01, field: 'cpu_limit', what: 'CPUs' },
  { limit: 'openFiles', least: 32, field: 'open_files', what: 'open files' },
] as const;

/** Why no container can have these limits; none: it can. */
export function refusedLimits(limits: SandboxLimits): Refusal[] {
  return LEAST.filter(({ limit, least }) => !(limits[limit] >= least)).map(({ limit, least, field, what }) => ({
    field,
    message: `A container needs at least ${least} ${what}, which is more than ${limits[limit]}.`,
  }));
}

/** Bytes of a temporary folder for each of its files: as many inodes as fit in the same memory, nearly. */
const BYTES_PER_INODE = 4096;

/** HostConfig.SecurityOpt of every container of ours. */
export function securityOptions(seccomp: string): string[] {
  return ['no-new-privileges', `seccomp=${seccomp}`];
}

/** Docker's configuration of the container in which one program runs. Its main process is the holder; the program is an exec of it. */
export function containerConfig(plan: ContainerPlan): Dockerode.ContainerCreateOptions {
  const { image, identity, labels, networkMode } = plan;
  const [shell = '', ...words] = holderCommand(plan.engine.outlived);
  return {
    // By its id: what is checked is what runs, though the name be moved meanwhile.
    Image: image.id,
    User: `${identity.holder}:${identity.holder}`,
    Entrypoint: [shell],
    Cmd: [...words, programPath(image.environment)],
    Env: holderVariables(image.environment),
    // Not the workspace: an empty entry in a list of folders means the current one.
    WorkingDir: '/',
    // Of what joins another's network the engine takes no name.
    ...(networkMode === 'none' && { Hostname: 'sandbox' }),
    Labels: labels,
    Healthcheck: { Test: ['NONE'] },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    HostConfig: hostConfig(plan),
  };
}

export function hostConfig(plan: ContainerPlan): Dockerode.HostConfig {
  const { engine, limits, mounts, networkMode } = plan;
  return {
    Init: true,
    CapDrop: ['ALL'],
    SecurityOpt: securityOptions(plan.seccomp),
    ReadonlyRootfs: true,
    Privileged: false,
    NetworkMode: networkMode,
    IpcMode: 'private',
    ...{ CgroupnsMode: 'private' }, // of API 1.41, and unknown to the types of dockerode
    ...changeableLimits(limits, engine),
    ...(engine.cgroupVersion === 1 && engine.swapLimit && { MemorySwappiness: 0 }),
    OomScoreAdj: 500,
    Ulimits: [
      ulimit('nofile', limits.openFiles),
      ulimit('fsize', limits.fileBytes),
      // 1, not 0: where core_pattern is a program the kernel runs it as root of the host whatever the limit, but for 1.
      ulimit('core', 1),
    ],
    ShmSize: limits.memoryBytes,
    Tmpfs: temporaryFolders(plan),
    Mounts: mounts.map(({ volume, target, readOnly }) => ({
      Type: 'volume',
      Source: volume,
      Target: target,
      ReadOnly: readOnly,
      VolumeOptions: { NoCopy: true, Labels: { ...plan.labels }, DriverConfig: { Name: '', Options: {} } },
    })),
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: 'no' },
    // Else its resolv.conf tells the name servers and the search list of the engine's host.
    ...(networkMode === 'none' && { Dns: ['127.0.0.1'], DnsSearch: ['.'] }),
  };
}

/** Of a HostConfig: what a container takes while it runs, too. */
export interface ContainerLimits {
  readonly Memory: number;
  readonly MemorySwap?: number;
  readonly NanoCpus: number;
  readonly PidsLimit: number;
}

export function changeableLimits(limits: SandboxLimits, engine: EngineFacts): ContainerLimits {
  return {
    Memory: limits.memoryBytes,
    ...(engine.swapLimit && { MemorySwap: limits.memoryBytes }), // both together: no swap
    // More than the machine's is refused by the engine.
    NanoCpus: Math.round(Math.min(limits.cpus, engine.cpus) * 1e9),
    PidsLimit: limits.pids + ownProcesses(engine),
  };
}

/** They are memory, and bounded by it. Programs are compiled and run there, so they may hold what is executed. */
function temporaryFolders({ image, identity, limits, mounts }: ContainerPlan): Record<string, string> {
  const inodes = Math.max(1024, Math.floor(limits.memoryBytes / BYTES_PER_INODE));
  const large = `rw,exec,nosuid,nodev,size=${limits.memoryBytes},nr_inodes=${inodes}`;
  const owned = (uid: number): string => `mode=0755,uid=${uid},gid=${uid}`;
  return {
    // What an image declares as a volume would be made as one, without a bound, and be left behind. A mount of ours takes the place of one.
    ...Object.fromEntries(
      image.volumes
        .map(normalFolder)
        .filter((folder) => !mounts.some(({ target }) => target === folder))
        .map((folder) => [folder, `${large},mode=1777`]),
    ),
    '/tmp': `${large},mode=1777`,
    [HOME]: `${large},${owned(identity.program)}`,
    [EXTRA_BIN]: `rw,exec,nosuid,nodev,size=65536,nr_inodes=16,${owned(identity.holder)}`,
  };
}

/** As the engine takes it: without a trailing slash. */
export function normalFolder(path: string): string {
  return posix.resolve('/', path);
}

function ulimit(name: string, value: number): Dockerode.Ulimit {
  return { Name: name, Soft: value, Hard: value };
}
