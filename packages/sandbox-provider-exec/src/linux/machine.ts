import type { Cgroups } from './cgroup/source.js';
import type { SystemFolder } from './bubblewrap/arguments.js';
import type { FoundRuntimes } from './runtimes/find.js';

/** What the probe found, and everything later relies on. */
export interface Machine {
  /** Absolute path of bubblewrap. */
  readonly bwrap: string;
  readonly bwrapVersion: string;
  /** The server is root: sandboxes get host uids and mount namespaces of their own. */
  readonly root: boolean;
  /** Where groups are made; null: limits are kept by rlimits and the watchdog. */
  readonly cgroups: Cgroups | null;
  /** For people: which way to groups was found, or why none. */
  readonly cgroupDetail: string;
  /** Workspaces are filesystems of their own in an image file; else folders that the watchdog measures. */
  readonly diskImages: boolean;
  /** Why programs can't have terminals here, a sentence; then none can open one by itself either. Null: they can. */
  readonly noTerminals: string | null;
  readonly systemFolders: readonly SystemFolder[];
  readonly runtimes: FoundRuntimes;
  /** The bytes of /bin/sh. */
  readonly shell: Uint8Array;
  /** Numbers of the CPUs that this server may use. */
  readonly allowedCpus: readonly number[];
  readonly memoryBytes: number;
  readonly seccomp: Uint8Array;
}
