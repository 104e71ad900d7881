import { statfs } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ManagedSandboxProvider, SandboxError } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  PreparedSolution,
  ProviderPorts,
  ProviderProbe,
  ResourceUsage,
  SandboxLimits,
  SandboxProcess,
  SandboxTemplate,
} from '@ergon/sandbox-core';
import { linuxCapabilities } from './linux/capabilities.js';
import { CgroupSource } from './linux/cgroup/source.js';
import { probeLinux } from './linux/probe.js';
import { reclaimLinux } from './linux/reclaim.js';
import { LinuxSandbox } from './linux/sandbox.js';
import { macosCapabilities } from './macos/capabilities.js';
import { probeMacos } from './macos/probe.js';
import { reclaimMacos } from './macos/reclaim.js';
import { MacSandbox } from './macos/sandbox.js';
import { macTools } from './macos/tools.js';

/** One sandbox, on whatever system. */
interface ExecSandbox {
  open(): Promise<void>;
  place(solution: PreparedSolution): Promise<void>;
  spawn(run: CommandSpec): Promise<SandboxProcess>;
  assist(run: CommandSpec): Promise<SandboxProcess>;
  measure(): Promise<ResourceUsage>;
  /** Absent: none can be changed. */
  limit?(limits: SandboxLimits): Promise<void>;
  close(): Promise<void>;
}

/** Of a machine on which sandboxes work. `folder`: the sandbox's own, to be made. */
type Make = (template: SandboxTemplate, folder: string) => ExecSandbox;

/**
 * Sandboxes by the operating system's own means: bubblewrap on Linux, Seatbelt on macOS. Wire name `sandbox-exec`, as on every system.
 */
export class SandboxExecProvider extends ManagedSandboxProvider<ExecSandbox> {
  readonly name = 'sandbox-exec';
  /** What one archive of a mount may hold, in bytes. */
  protected readonly archiveBytes: number = 4 * 1024 ** 3;
  #make: Make | null = null;
  readonly #cgroups = new CgroupSource();

  constructor(private readonly ports: ProviderPorts) {
    super();
  }

  override async probe(signal?: AbortSignal): Promise<ProviderProbe> {
    signal?.throwIfAborted();
    if (process.platform === 'linux') return this.#probeLinux(signal);
    if (process.platform === 'darwin') return this.#probeMacos(signal);
    return {
      available: false,
      reason: `This provider isolates programs on Linux and macOS; this machine runs "${process.platform}".`,
      fix: 'Use the docker provider, or a Linux machine.',
    };
  }

  async #probeLinux(signal?: AbortSignal): Promise<ProviderProbe> {
    const found = await probeLinux(this.#cgroups, signal);
    signal?.throwIfAborted();
    this.#make = null;
    if ('unusable' in found) return { available: false, ...found.unusable };
    const { machine } = found;
    const { logger } = this.ports;
    this.#make = (template, folder) => new LinuxSandbox(machine, template, folder, logger, this.archiveBytes);
    return { available: true, capabilities: linuxCapabilities(machine, await this.#freeBytes()) };
  }

  async #probeMacos(signal?: AbortSignal): Promise<ProviderProbe> {
    const found = await probeMacos(signal);
    signal?.throwIfAborted();
    this.#make = null;
    if ('unusable' in found) return { available: false, ...found.unusable };
    const { machine } = found;
    this.#make = (template, folder) => new MacSandbox(machine, template, folder, this.ports.logger);
    return { available: true, capabilities: macosCapabilities(machine, await this.#freeBytes()) };
  }

  async #freeBytes(): Promise<number> {
    let folder = this.ports.stateDir;
    while (!existsSync(folder)) folder = dirname(folder);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  }

  protected override async open(template: SandboxTemplate): Promise<ExecSandbox> {
    const make = await this.#usable(template.signal);
    const sandbox = make(template, join(this.ports.stateDir, template.instanceId, template.sandboxId));
    try {
      await sandbox.open();
    } catch (error) {
      await sandbox.close();
      throw error;
    }
    return sandbox;
  }

  async #usable(signal?: AbortSignal): Promise<Make> {
    if (this.#make !== null) return this.#make;
    const probe = await this.probe(signal);
    if (this.#make !== null) return this.#make;
    throw new SandboxError(
      'SANDBOX001',
      probe.available ? 'The probe was overtaken by another.' : `${probe.reason} ${probe.fix}`,
    );
  }

  protected override place(sandbox: ExecSandbox, solution: PreparedSolution): Promise<void> {
    return sandbox.place(solution);
  }
  protected override spawn(sandbox: ExecSandbox, run: CommandSpec): Promise<SandboxProcess> {
    return sandbox.spawn(run);
  }
  protected override assist(sandbox: ExecSandbox, run: CommandSpec): Promise<SandboxProcess> {
    return sandbox.assist(run);
  }
  protected override measure(sandbox: ExecSandbox): Promise<ResourceUsage> {
    return sandbox.measure();
  }
  protected override async limit(sandbox: ExecSandbox, limits: SandboxLimits): Promise<void> {
    if (sandbox.limit === undefined) {
      throw new SandboxError('SANDBOX009', 'The limits of a live sandbox cannot be changed on this system.');
    }
    await sandbox.limit(limits);
  }
  protected override close(sandbox: ExecSandbox): Promise<void> {
    return sandbox.close();
  }

  override async reclaim(instanceId: string | null): Promise<number> {
    if (process.platform === 'darwin') return reclaimMacos(instanceId, this.ports.stateDir, macTools);
    if (process.platform !== 'linux') return 0;
    return reclaimLinux(instanceId, this.ports.stateDir);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]().finally(() => this.#cgroups[Symbol.asyncDispose]());
  }
}
