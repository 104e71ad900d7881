import type Dockerode from 'dockerode';

export interface NetworkOptions {
  readonly sandboxId: string;
  /** On the network and on its holder. */
  readonly labels: Readonly<Record<string, string>>;
  /** Needs `sh` and `ip` (BusyBox's or iproute2's). */
  readonly image: string;
  /** More addresses or prefixes that no sandbox may reach, e.g. the public ones of the engine's host. */
  readonly hostAddresses: readonly string[];
  /** HostConfig.SecurityOpt of every container of ours (no-new-privileges, the seccomp profile). */
  readonly securityOpt: readonly string[];
  readonly signal?: AbortSignal;
}

export interface SandboxNetwork {
  /** HostConfig.NetworkMode of what joins: `container:<id>`. */
  readonly networkMode: string;
  /** Removes holder and network. Safe to call twice. */
  close(): Promise<void>;
}

/** A network of its own for one sandbox: the internet, and nothing of the host's or of its neighbours. @throws SandboxError SANDBOX001, SANDBOX009 */
export declare function openNetwork(docker: Dockerode, options: NetworkOptions): Promise<SandboxNetwork>;
