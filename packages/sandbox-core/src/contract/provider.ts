import type { ProviderProbe } from './capabilities.js';
import type { LimitName, SandboxConfig, SandboxLimits } from './config.js';
import { SandboxError } from './error.js';
import type { SandboxFiles } from './files.js';
import type { ReportSink } from './report.js';
import type { EndCause } from './status.js';
import type { ResourceUsage } from './usage.js';
import type { Volume, VolumeId, VolumeScope } from './volumes.js';
import { unmetNeeds } from './needs.js';

export type OutputStream = 'stdout' | 'stderr';

/** Bytes as the program wrote them, in the order in which they were read. */
export interface OutputChunk {
  readonly stream: OutputStream;
  readonly data: Uint8Array;
  /** ms since the execution's start. */
  readonly at: number;
}

export interface TtySize {
  readonly cols: number;
  readonly rows: number;
}

export interface ExecuteOptions {
  /** Wall time from the program's start, in ms. */
  readonly timeoutMs: number;
  /** Between SIGTERM and SIGKILL, in ms. @default 1000 */
  readonly killGraceMs?: number;
  /** Ends the run early, with cause `stopped`. The one way to do so, besides the reader's `return()`. */
  readonly signal?: AbortSignal;
  readonly report?: ReportSink;
  /** Added to the sandbox's environment for this execution. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Absent: the program's stdin is empty and closed. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly tty?: TtySize & { readonly resizes?: AsyncIterable<TtySize> };
}

/** A limit that was met, and how we know: a counter of the kernel, or our own cause. Never a guess from an exit code. */
export interface LimitHit {
  readonly limit: LimitName;
  /** The limit's value, in its own unit (bytes, CPUs, a count, ms). */
  readonly value: number;
  /** E.g. `oom_kill 1 in memory.oom_control`. */
  readonly evidence: string;
}

/** How the last command of a sandbox ended. */
export interface ExecutionEnd {
  readonly cause: EndCause;
  /** A number that was seen, or null: 128 + n for a signal n that the program met by itself; null when ended by us, lost, or not started. */
  readonly exitCode: number | null;
  /** E.g. `SIGSEGV`, where it is known. */
  readonly signal: string | null;
  readonly limitsHit: readonly LimitHit[];
  readonly usage: ResourceUsage;
  /** Nothing is in /output; then nothing is looked for there. Absent: not known. */
  readonly outputEmpty?: boolean;
  /** For `lost` and `not-started`: what happened, a sentence. */
  readonly reason: string | null;
}

/** What a provider cannot do of a request. */
export interface Refusal {
  /** The wire field, e.g. `gpus`. */
  readonly field: string;
  readonly message: string;
  /** It can be done, at a price such as a download: only where the provider is named or preferred, or no other can serve. */
  readonly lastResort?: boolean;
}

const brand = Symbol.for('@ergon/sandbox-core/SandboxProvider');

/**
 * The contract between the core and an isolation technology. A provider that implements the abstract methods works everywhere;
 * the others stand for capabilities and refuse with SANDBOX009 until overridden. Most providers extend
 * {@link ManagedSandboxProvider}, which keeps these promises, and write its hooks.
 */
export abstract class SandboxProvider implements AsyncDisposable {
  /** Wire name, e.g. `sandbox-exec`, `docker`. */
  abstract readonly name: string;

  constructor() {
    Object.defineProperty(this, brand, { value: true });
  }

  /** Finds out what works on this machine. Never throws for a technology that is absent: that is a reason and a fix. */
  abstract probe(signal?: AbortSignal): Promise<ProviderProbe>;

  /** What cannot be done of this configuration, given the capabilities found by a probe. Pure. Default: compares capabilities. */
  check(config: SandboxConfig, probe: ProviderProbe): readonly Refusal[] {
    return probe.available ? unmetNeeds(config, probe.capabilities) : [];
  }

  /**
   * Makes a sandbox, with the files below `solutionPath` at /solution (read-only) and as the beginning of /workspace.
   * @returns `config.sandboxId`
   * @throws SandboxError when the isolation, a limit or a network rule can't be put in place; nothing is left then.
   */
  abstract prepare(solutionId: string, solutionPath: string, config: SandboxConfig): Promise<string>;

  /**
   * Runs a command; finishes only when its process tree is gone (or, when lost, its fate is unknown). Whatever happens to the
   * program, it finishes and `getResult` says it.
   * @throws SandboxError only for misuse: SANDBOX006 (unknown sandbox), SANDBOX007 (one runs already).
   */
  abstract execute(sandboxId: string, command: readonly string[], options: ExecuteOptions): AsyncIterable<OutputChunk>;

  /** The end of the last command. @throws SandboxError SANDBOX006, SANDBOX007 (not ended yet), SANDBOX008 (none ran). */
  abstract getResult(sandboxId: string): Promise<ExecutionEnd>;

  /** Ends what runs and removes everything of the sandbox. False: no such sandbox. @throws when something could not be removed. */
  abstract cleanup(sandboxId: string): Promise<boolean>;

  /**
   * Changes the limits of a sandbox that is prepared: of what runs in it, and of what is run later. All of them, or none.
   * @param limits all that are to be in force; of those that differ from the ones in force each is among the capability `adjustable`
   * @throws SandboxError SANDBOX006, SANDBOX007 (being prepared), SANDBOX008 (a memory limit below what is in use), SANDBOX009
   */
  adjust(sandboxId: string, _limits: SandboxLimits): Promise<void> {
    const message = `${this.name} does not change the limits of a live sandbox (asked for ${sandboxId}).`;
    return Promise.reject(new SandboxError('SANDBOX009', message));
  }

  /** What the running command uses now. */
  usage(sandboxId: string): Promise<ResourceUsage> {
    return Promise.reject(
      new SandboxError('SANDBOX009', `${this.name} does not measure usage (asked for ${sandboxId}).`),
    );
  }

  /** Its files, below /workspace and /output. @throws SandboxError SANDBOX006, SANDBOX009 */
  files(sandboxId: string): SandboxFiles {
    throw new SandboxError('SANDBOX009', `${this.name} gives no access to files (asked for ${sandboxId}).`);
  }

  /**
   * Removes what dead servers left: the one named, which the caller knows to be dead, and any other that is proven to be (see
   * {@link isInstanceAlive}). Never anything else. Called at a start and at intervals; safe at any time, and again.
   * @returns how many sandboxes had something left.
   * @throws when something could not be removed now, e.g. because the technology is down: the core asks again later.
   */
  reclaim(_instanceId: string | null): Promise<number> {
    return Promise.resolve(0);
  }

  /**
   * The volumes that are there, by solution and name, with their sizes as they are now.
   * @throws SandboxError SANDBOX001 (the technology is down), SANDBOX009
   */
  volumes(
    _scope: VolumeScope,
    _options: { readonly solutionId?: string; readonly signal?: AbortSignal } = {},
  ): Promise<readonly Volume[]> {
    return Promise.reject(new SandboxError('SANDBOX009', `${this.name} keeps no volumes.`));
  }

  /**
   * Removes a volume with all that it holds. False: there is none.
   * @throws SandboxError SANDBOX001 (the technology is down), SANDBOX007 (a sandbox has it), SANDBOX009
   */
  removeVolume({ name }: VolumeId): Promise<boolean> {
    return Promise.reject(new SandboxError('SANDBOX009', `${this.name} keeps no volumes (asked to remove "${name}").`));
  }

  async isAvailable(): Promise<boolean> {
    return (await this.probe()).available;
  }

  /** Cleans every sandbox of this provider. */
  abstract [Symbol.asyncDispose](): Promise<void>;
}

/** True for a provider built on any copy of this package. */
export function isSandboxProvider(value: unknown): value is SandboxProvider {
  return typeof value === 'object' && value !== null && brand in value;
}
