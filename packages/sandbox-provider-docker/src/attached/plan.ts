import type Dockerode from 'dockerode';
import { ownVariables, SYSTEM_PATH } from '../container/environment.js';

/** A container of our own that serves a sandbox beside its program, and runs nothing of it. */
export interface AttachedPlan {
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** For `sh -c`; its positional parameters from `$1` on. */
  readonly script: string;
  readonly parameters: readonly string[];
  readonly networkMode: string;
  /** `container:ID`: shares its processes. Default: its own. */
  readonly pidMode?: string;
  /** All others are dropped. */
  readonly capabilities: readonly ('DAC_OVERRIDE' | 'NET_ADMIN' | 'SYS_PTRACE')[];
  /** HostConfig.SecurityOpt of every container of ours. */
  readonly securityOpt: readonly string[];
  /** By where they are mounted. */
  readonly volumes?: Readonly<Record<string, string>>;
  readonly writableRoot?: boolean;
  /** Asked by the engine's resolver; none: those of its host. */
  readonly dns?: readonly string[];
  /** Names of the loopback, for all that join its network. */
  readonly names?: readonly string[];
  /** Of a network with nothing but a loopback: its own name; names that it does not know are asked nobody. */
  readonly closed?: boolean;
  /** An init of the engine's above it, which all processes fall to that join its. */
  readonly init?: boolean;
}

/** du and the like hold the names of a whole folder. */
const MEMORY = 256 << 20;

/** Its main process reads the stream that its owner holds: when that is cut, it ends, and the engine removes it. @param imageVariables `NAME=VALUE`, none of which it has */
export function attachedConfig(
  plan: AttachedPlan,
  imageVariables: readonly string[],
): Dockerode.ContainerCreateOptions {
  const {
    image,
    labels,
    script,
    parameters,
    networkMode,
    capabilities,
    securityOpt,
    volumes = {},
    dns = [],
    names = [],
  } = plan;
  const closed = plan.closed === true;
  return {
    Image: image,
    User: '0:0',
    Entrypoint: ['/bin/sh', '-c', script, 'sh'],
    Cmd: [...parameters],
    Env: ownVariables({ PATH: SYSTEM_PATH, LC_ALL: 'C' }, imageVariables),
    WorkingDir: '/',
    ...(closed && { Hostname: 'sandbox' }),
    Labels: { ...labels },
    Healthcheck: { Test: ['NONE'] },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      AutoRemove: true,
      ...(plan.init === true && { Init: true }),
      CapDrop: ['ALL'],
      CapAdd: [...capabilities],
      ...(plan.pidMode !== undefined && { PidMode: plan.pidMode }),
      SecurityOpt: [...securityOpt],
      ReadonlyRootfs: plan.writableRoot !== true,
      NetworkMode: networkMode,
      IpcMode: 'private',
      Memory: MEMORY,
      MemorySwap: MEMORY,
      PidsLimit: 16,
      OomScoreAdj: 500,
      Ulimits: [
        { Name: 'nofile', Soft: 1024, Hard: 1024 },
        // 1, not 0: see the run container's.
        { Name: 'core', Soft: 1, Hard: 1 },
      ],
      Mounts: Object.entries(volumes).map(([target, volume]) => ({
        Type: 'volume',
        Source: volume,
        Target: target,
        // Of the image's own content at the target nothing gets into the volume.
        VolumeOptions: { NoCopy: true, Labels: { ...labels }, DriverConfig: { Name: '', Options: {} } },
      })),
      LogConfig: { Type: 'none', Config: {} },
      RestartPolicy: { Name: 'no' },
      Dns: closed ? ['127.0.0.1'] : [...dns],
      ...(closed && { DnsSearch: ['.'] }),
      ...(names.length > 0 && { ExtraHosts: names.map((name) => `${name}:127.0.0.1`) }),
    },
  };
}
