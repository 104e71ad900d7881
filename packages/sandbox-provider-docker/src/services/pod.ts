import { AttachedShell } from '../attached/attached-shell.js';
import type { Engine } from '../engine/engine.js';

export interface PodOptions {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Needs `sh`. */
  readonly image: string;
  /** Of the services, which become names of the loopback. */
  readonly names: readonly string[];
  /** `container:ID` of one that holds a network and knows the names; null: the pod's own, which has nothing but a loopback. */
  readonly networkMode: string | null;
  readonly securityOpt: readonly string[];
}

/** Says that it is there; then lives for as long as its stdin is held. */
const script = 'while IFS= read -r _; do echo here; done';

/**
 * What the services of a sandbox have in common: their processes' namespace, which ends with it and so with the server, whatever they do; and their network,
 * the sandbox's own, in which each is found at the loopback.
 */
export class Pod {
  private constructor(
    private readonly shell: AttachedShell,
    /** HostConfig.NetworkMode of all that join. */
    readonly networkMode: string,
  ) {}

  /** HostConfig.PidMode of the services. */
  get pidMode(): string {
    return `container:${this.shell.container.id}`;
  }

  /** @throws SandboxError SANDBOX001, SANDBOX011; what is left then carries the labels */
  static async open(engine: Engine, options: PodOptions, signal?: AbortSignal): Promise<Pod> {
    const { name, labels, image, names, networkMode, securityOpt } = options;
    const plan = {
      image,
      labels,
      script,
      parameters: [],
      networkMode: networkMode ?? 'none',
      ...(networkMode === null && { names, closed: true }),
      capabilities: [],
      securityOpt,
      init: true,
    } as const;
    const shell = await AttachedShell.create(engine.docker, name, plan, 'The container that holds the services');
    signal?.throwIfAborted();
    await shell.start();
    await shell.ask('', signal);
    return new Pod(shell, networkMode ?? `container:${shell.container.id}`);
  }

  /** Ends all that joined its processes. Safe to call twice. */
  close(): Promise<void> {
    return this.shell.close();
  }
}
