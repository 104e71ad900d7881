import { mkdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SandboxError, unmeasuredUsage } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  Logger,
  PreparedSolution,
  ResourceUsage,
  SandboxProcess,
  SandboxTemplate,
} from '@ergon/sandbox-core';
import { HOME, type SandboxPaths } from './bubblewrap/arguments.js';
import { recordHierarchies } from './cgroup/hierarchies.js';
import { runCommand, runOverOwnFiles } from './command.js';
import { randomHostUid } from './identity.js';
import type { Machine } from './machine.js';
import { MountHolder } from './mounts/holder.js';
import { imageDisk, imageIsFree } from './mounts/image.js';
import { copyScript, placeCommands, stageCommands, stagedRuntimes, stagePaths } from './mounts/stage.js';
import { assertSafeName, processMarker } from './names.js';
import { park, type Parked } from './parking.js';
import { account, startRun, type DiskMeter } from './run.js';
import { folderDisk } from './watch/folder.js';

/** What only a root server's sandbox has. */
interface Confinement {
  readonly uid: number;
  readonly holder: MountHolder;
}

/** One sandbox on Linux: its disk and mounts for as long as it lives, and a launch for each command. */
export class LinuxSandbox {
  #confinement: Confinement | null = null;
  #solutionPath = '';
  #launches = 0;
  /** Made ahead for the next command. */
  #parked: Promise<Parked> | null = null;
  #running: Parked | null = null;
  #closed = false;

  constructor(
    private readonly machine: Machine,
    private readonly template: SandboxTemplate,
    /** `<stateDir>/<instanceId>/<sandboxId>` */
    private readonly folder: string,
    private readonly logger: Logger,
  ) {
    assertSafeName('sandbox id', template.sandboxId);
    assertSafeName('instance id', template.instanceId);
  }

  /** As the launcher sees them. */
  get #paths(): SandboxPaths {
    if (this.#confinement !== null) return stagePaths;
    return {
      solution: this.#solutionPath,
      workspace: join(this.folder, 'workspace'),
      output: join(this.folder, 'output'),
    };
  }

  /** After a failure, `close` removes what there is. */
  async open(): Promise<void> {
    const { machine, template } = this;
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    if (!machine.root) {
      await mkdir(this.#paths.workspace);
      await mkdir(this.#paths.output);
      return;
    }
    if (machine.cgroups !== null) recordHierarchies(this.folder, machine.cgroups);
    const uid = randomHostUid();
    const holder = await MountHolder.start(processMarker(template.instanceId, template.sandboxId));
    this.#confinement = { uid, holder };
    const disk = { folder: this.folder, uid, bytes: template.limits.diskBytes, image: machine.diskImages };
    await holder.run(stageCommands(disk, machine.runtimes.bound));
  }

  async place({ path }: PreparedSolution): Promise<void> {
    this.#solutionPath = path;
    if (this.#confinement !== null) {
      await this.#confinement.holder.run(placeCommands(path, this.#confinement.uid));
    } else {
      const { code, stderr } = await runCommand('/bin/sh', ['-c', copyScript(path, this.#paths.workspace)]);
      if (code !== 0) throw new SandboxError('SANDBOX011', `The solution could not be copied: ${stderr.trim()}`);
    }
    this.#parked = this.#park();
    await this.#parked;
  }

  async #park(): Promise<Parked> {
    const { bound } = this.machine.runtimes;
    return park(this.machine, this.template, {
      paths: this.#paths,
      runtimes: this.#confinement === null ? bound : stagedRuntimes(bound),
      confined: this.#confinement && { uid: this.#confinement.uid, holderPid: this.#confinement.holder.pid },
      launch: ++this.#launches,
    });
  }

  async spawn(run: CommandSpec): Promise<SandboxProcess> {
    if (run.tty) throw new SandboxError('SANDBOX009', 'This provider has no terminals.', { field: 'tty' });
    const parked = await this.#takeParked();
    this.#running = parked;
    const { limits, environment } = this.template;
    const process = startRun(parked, run, {
      environment: { ...this.#defaultEnvironment(), ...environment, ...run.environment, ...this.#fixedEnvironment() },
      openFiles: limits.openFiles,
      fileBytes: limits.fileBytes,
      uid: this.#confinement?.uid ?? null,
      disk: this.#disk(() => parked.accounting.processes()),
      logger: this.logger,
    });
    void process.ended.then(() => {
      this.#running = null;
      this.#parkNext();
    });
    return process;
  }

  async #takeParked(): Promise<Parked> {
    const parked = await (this.#parked ?? this.#park());
    this.#parked = null;
    if (parked.launch.alive) return parked;
    await parked.remove(); // it was ended while it waited
    return this.#park();
  }

  /** A failure is the next command's to tell. */
  #parkNext(): void {
    if (this.#closed) return;
    this.#parked = this.#park();
    this.#parked.catch(() => undefined);
  }

  #disk(processes: () => number[]): DiskMeter {
    const { diskBytes } = this.template.limits;
    if (this.#confinement === null) return folderDisk(this.folder, diskBytes, processes);
    if (!this.machine.diskImages) return folderDisk(join(this.folder, 'disk'), diskBytes, processes);
    return imageDisk(this.#confinement.holder, diskBytes);
  }

  /** A solution may set these otherwise. */
  #defaultEnvironment(): Record<string, string> {
    const { bound, pythonLink } = this.machine.runtimes;
    const bins = bound.map(({ target }) => `${target}/bin`);
    const path = ['/usr/local/bin', '/usr/bin', '/bin', ...bins, ...(pythonLink === null ? [] : ['/runtimes/bin'])];
    return { PATH: path.join(':'), HOME, LANG: 'C.UTF-8' };
  }

  #fixedEnvironment(): Record<string, string> {
    return {
      SANDBOX_ID: this.template.sandboxId,
      SOLUTION_DIR: '/solution',
      WORKSPACE_DIR: '/workspace',
      OUTPUT_DIR: '/output',
    };
  }

  async measure(): Promise<ResourceUsage> {
    const running = this.#running;
    if (running === null) return unmeasuredUsage;
    const { usage } = await account(
      running,
      this.#disk(() => running.accounting.processes()),
    );
    return usage;
  }

  /** Removes all of it. Safe to call twice, and after a failed `open`. */
  async close(): Promise<void> {
    this.#closed = true;
    const parked = await this.#parked?.catch(() => null);
    this.#parked = null;
    await parked?.remove();
    await this.#confinement?.holder.stop();
    await imageIsFree(this.folder);
    await removeFolder(this.folder);
  }
}

/** Removes a sandbox's folder, and the instance's when it was the last in it. */
export async function removeFolder(folder: string): Promise<void> {
  const { code, stderr } = await runOverOwnFiles('rm', ['-rf', '--', folder]);
  if (code !== 0) throw new SandboxError('SANDBOX011', `${folder} could not be removed: ${stderr.trim()}`);
  await rmdir(dirname(folder)).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  });
}
