import type { ReportSink } from './report.js';
import type { ServiceConfig } from './service.js';
import type { SandboxVolume } from './volumes.js';

/** Limits of one sandbox, exact, after parsing and after the machine's and the server's bounds were applied. */
export interface SandboxLimits {
  /** Memory of all processes together, in bytes. */
  readonly memoryBytes: number;
  /** CPUs' worth of time, e.g. 1.5. */
  readonly cpus: number;
  /** Processes and threads at one time. */
  readonly pids: number;
  /** What /workspace and /output hold together, in bytes. */
  readonly diskBytes: number;
  /** Open files of one process (RLIMIT_NOFILE, getrlimit(2)). */
  readonly openFiles: number;
  /** Size of one file, in bytes (RLIMIT_FSIZE, getrlimit(2)). */
  readonly fileBytes: number;
  /** Captured output of one execution, both streams together, in bytes; what follows is discarded. */
  readonly outputBytes: number;
  /** Wall time of one execution, in ms; preparation does not count. */
  readonly timeoutMs: number;
}

export type LimitName = 'memory' | 'cpu' | 'pids' | 'disk' | 'open-files' | 'file-size' | 'output' | 'wall-time';

export type NetworkPolicy =
  | { readonly mode: 'none' }
  | { readonly mode: 'full' }
  | { readonly mode: 'allowlist'; readonly allow: readonly string[] }
  | { readonly mode: 'named'; readonly name: string };

/** A read-only folder that a sandbox finds at a fixed, flat place, never below /workspace. */
export interface SandboxMount {
  /** Content digest, e.g. `sha256:…`: a provider may keep mounts by it. */
  readonly digest: string;
  /** A folder of this host, or a tar archive for providers that share no disk with it. */
  readonly source: { readonly folder: string } | { readonly archive: () => AsyncIterable<Uint8Array> };
  /** E.g. `/layers/python`. */
  readonly target: string;
}

/**
 * All that a provider is told of a sandbox before it makes anything. Nothing here depends on the solution's content, so that
 * environments can be made ahead of a request.
 */
export interface SandboxConfig {
  readonly sandboxId: string;
  /** One start of a server on one data folder; names what that server made, so that it can be found after a crash. */
  readonly instanceId: string;
  /** The user to whom the sandbox belongs. */
  readonly ownerId: string;
  readonly limits: SandboxLimits;
  readonly network: NetworkPolicy;
  /** The solution's `environment`: literal values, for every execution. */
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly SandboxMount[];
  /** What the solution or the request asks for beyond the common; absent: not asked for. */
  /** What the solution is written in, where its main file tells: chooses among default images. */
  readonly language?: 'python' | 'node' | 'shell';
  readonly image?: string;
  readonly runtime?: string;
  readonly platform?: string;
  readonly gpus?: number | { readonly ids: readonly string[] };
  readonly volumes?: readonly SandboxVolume[];
  /** The solution cannot do without a volume, which is among `volumes`. */
  readonly persistence?: boolean;
  /** By the names under which the sandbox's programs reach them. */
  readonly services?: Readonly<Record<string, ServiceConfig>>;
  /** Ends a preparation at any point; then nothing of it is left. */
  readonly signal?: AbortSignal;
  readonly report?: ReportSink;
}
