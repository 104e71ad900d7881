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
  SandboxProcess,
  SandboxTemplate,
} from '@ergon/sandbox-core';
import { linuxCapabilities } from './linux/capabilities.js';
import { ownHierarchies } from './linux/cgroup/hierarchies.js';
import type { Machine } from './linux/machine.js';
import { probeLinux } from './linux/probe.js';
import { reclaimLinux } from './linux/reclaim.js';
import { LinuxSandbox } from './linux/sandbox.js';

/** Sandboxes by the operating system's own means: bubblewrap on Linux. Wire name `sandbox-exec`, as on every system. */
export class SandboxExecProvider extends ManagedSandboxProvider<LinuxSandbox> {
  readonly name = 'sandbox-exec';
  /** What one archive of a mount may hold, in bytes. */
  protected readonly archiveBytes: number = 4 * 1024 ** 3;
  #machine: Machine | null = null;

  constructor(private readonly ports: ProviderPorts) {
    super();
  }

  override async probe(): Promise<ProviderProbe> {
    if (process.platform !== 'linux') {
      return {
        available: false,
        reason: `This provider isolates programs on Linux; this machine runs "${process.platform}".`,
        fix: 'Use the docker provider, or a Linux machine.',
      };
    }
    const found = await probeLinux();
    this.#machine = 'machine' in found ? found.machine : null;
    if ('unusable' in found) return { available: false, ...found.unusable };
    return { available: true, capabilities: linuxCapabilities(found.machine, await this.#freeBytes()) };
  }

  async #freeBytes(): Promise<number> {
    let folder = this.ports.stateDir;
    while (!existsSync(folder)) folder = dirname(folder);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  }

  protected override async open(template: SandboxTemplate): Promise<LinuxSandbox> {
    const { logger } = this.ports;
    const machine = await this.#usable();
    const sandbox = new LinuxSandbox(machine, template, this.#folderOf(template), logger, this.archiveBytes);
    try {
      await sandbox.open();
    } catch (error) {
      await sandbox.close();
      throw error;
    }
    return sandbox;
  }

  async #usable(): Promise<Machine> {
    if (this.#machine !== null) return this.#machine;
    const probe = await this.probe();
    if (this.#machine !== null) return this.#machine;
    throw new SandboxError(
      'SANDBOX001',
      probe.available ? 'The probe was overtaken by another.' : `${probe.reason} ${probe.fix}`,
    );
  }

  #folderOf({ instanceId, sandboxId }: SandboxTemplate): string {
    return join(this.ports.stateDir, instanceId, sandboxId);
  }

  protected override place(sandbox: LinuxSandbox, solution: PreparedSolution): Promise<void> {
    return sandbox.place(solution);
  }
  protected override spawn(sandbox: LinuxSandbox, run: CommandSpec): Promise<SandboxProcess> {
    return sandbox.spawn(run);
  }
  protected override assist(sandbox: LinuxSandbox, run: CommandSpec): Promise<SandboxProcess> {
    return sandbox.assist(run);
  }
  protected override measure(sandbox: LinuxSandbox): Promise<ResourceUsage> {
    return sandbox.measure();
  }
  protected override close(sandbox: LinuxSandbox): Promise<void> {
    return sandbox.close();
  }

  override async reclaim(instanceId: string | null): Promise<number> {
    if (process.platform !== 'linux') return 0;
    return reclaimLinux(instanceId, this.ports.stateDir, process.getuid?.() === 0 ? ownHierarchies() : null);
  }
}
