import type { Readable } from 'node:stream';
import type { LimitHit } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';

export interface KeeperOptions {
  readonly sandboxId: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Needs `sh` and `du`. */
  readonly image: string;
  /** Where each volume is mounted, in the keeper as in the sandbox: `{ '/workspace': 'volume-name' }`. All are measured together. */
  readonly volumes: Readonly<Record<string, string>>;
  /** HostConfig.SecurityOpt of every container of ours (no-new-privileges, the seccomp profile). */
  readonly securityOpt: readonly string[];
  readonly signal?: AbortSignal;
}

export interface DiskUse {
  /** Allocated, not sizes: a sparse file counts what it takes. */
  readonly bytes: number;
  readonly inodes: number;
}

/** A container beside the sandbox's, which has its volumes: takes archives before the run, and tells what they hold while it runs. */
export interface Keeper {
  readonly container: Dockerode.Container;
  /** Unpacks an archive below a mount; only before `start`, while nobody can plant a link. */
  put(target: string, tar: Readable, signal?: AbortSignal): Promise<void>;
  /** Starts looking. @throws SandboxError SANDBOX001 where the image has no sh or du */
  start(signal?: AbortSignal): Promise<void>;
  use(): Promise<DiskUse>;
  usedBytes(): Promise<number>;
  /** Removes the container, not the volumes. Safe to call twice. */
  close(): Promise<void>;
}

export declare function openKeeper(docker: Dockerode, options: KeeperOptions): Promise<Keeper>;

/**
 * Looks again and again, at most ten times a second, until what the volumes hold is over the limit (`exceeded`, once) or a look fails (`failed`, once).
 * @returns ends the watch
 */
export declare function watchDisk(
  keeper: Keeper,
  limitBytes: number,
  exceeded: (hit: LimitHit) => void,
  failed: (error: unknown) => void,
): () => void;
/**
 * Whether the engine bounds a local volume by itself (`o: size=`: project quotas on XFS): asked by making one and removing it.
 * @returns undefined when it does, otherwise the engine's reason
 */
export declare function probeVolumeSize(
  docker: Dockerode,
  labels: Readonly<Record<string, string>>,
): Promise<string | undefined>;
