import type { LimitName } from './config.js';

/** How well a provider keeps a limit on this machine. `best-effort`: by polling, so a fast program can pass it for a moment. */
export type Enforcement = 'hard' | 'best-effort' | 'none';

/** What a provider can do on this machine, as its probe found it. */
export interface ProviderCapabilities {
  /** The strongest wall between the program and the host. */
  readonly isolation: 'none' | 'seatbelt' | 'namespaces' | 'container' | 'virtual-machine';
  /** Operating system of the programs, with its architecture, e.g. `linux/x64`. */
  readonly platforms: readonly string[];
  readonly limits: Readonly<Record<LimitName, Enforcement>>;
  /** Limits that `adjust` changes on a live sandbox. Absent: none. */
  readonly adjustable?: readonly LimitName[];
  readonly network: readonly ('none' | 'allowlist' | 'full' | 'named')[];
  /** Names of the networks of mode `named`. Absent: none. */
  readonly networks?: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
  /** SIGTERM and SIGKILL differ; without it both end the program at once. */
  readonly signals: boolean;
  /** `files()` works. */
  readonly files: boolean;
  /** `usage()` works. */
  readonly usage: boolean;
  readonly mounts: boolean;
  readonly gpu: boolean;
  /** A sandbox's `volumes` outlive it; `volumes()` and `removeVolume()` work. */
  readonly persistence: boolean;
  readonly images: boolean;
  readonly services: boolean;
  readonly runtimes: readonly string[];
  /** The machine on which programs run. A larger limit is lowered to it. Null: not known. */
  readonly machine: {
    readonly cpus: number | null;
    readonly memoryBytes: number | null;
    readonly diskBytes: number | null;
  };
  /** Facts for people, e.g. `{ bubblewrap: "0.8.0", cgroup: "v1" }`. */
  readonly details: Readonly<Record<string, string>>;
}

export type ProviderProbe =
  | { readonly available: true; readonly capabilities: ProviderCapabilities }
  | {
      readonly available: false;
      /** What is wrong, a sentence. */
      readonly reason: string;
      /** What a person does about it, a sentence. */
      readonly fix: string;
    };
