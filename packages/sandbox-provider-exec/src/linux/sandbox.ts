import { mkdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SandboxError, unmeasuredUsage } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  ExecutionEnd,
  Logger,
  PreparedSolution,
  ResourceUsage,
  SandboxLimits,
  SandboxProcess,
  SandboxTemplate,
  TtySize,
} from '@ergon/sandbox-core';
import { HOME, type SandboxPaths } from './bubblewrap/arguments.js';
import { recordPlace } from './cgroup/place.js';
import { runCommand } from '../posix/command.js';
import { runOverOwnFiles } from './own-files.js';
import { randomHostUid } from './identity.js';
import { Terminal } from './launch/terminal.js';
import type { Machine } from './machine.js';
import { isEmptyFolder } from './mounts/empty.js';
import { MountHolder } from './mounts/holder.js';
import { imageDisk, imageIsFree } from './mounts/image.js';
import { namedMounts, requireSources, type NamedMount } from './mounts/mounts.js';
import {
  closeFolder,
  fillableFolder,
  placeCommands,
  stageCommands,
  stagedRuntimes,
  stagePaths,
} from './mounts/stage.js';
import { copyScript } from '../posix/copy.js';
import { unpack } from './mounts/unpack.js';
import { assertSafeName, processMarker } from '../posix/names.js';
import { park, type Parked } from './parking.js';
import { account, startRun, type RunContext } from './run.js';
import type { DiskMeter } from '../posix/counted-disk.js';
import type { Runtime } from './runtimes/runtime.js';
import { folderDisk } from './watch/folder.js';

/** What only a root server's sandbox has. */
interface Confinement {
  readonly uid: number;
  readonly holder: MountHolder;
}

/** Of a command of ours, in place of the program's: it has to work in the smallest sandbox. */
const ASSIST_LIMITS = { memoryBytes: 128 << 20, pids: 32, openFiles: 256 } as const;

/** One sandbox on Linux: its disk and mounts for as long as it lives, and a launch for each command. */
export class LinuxSandbox {
  #confinement: Confinement | null = null;
  #solutionPath = '';
  #launches = 0;
  /** Those in force. */
  #limits: SandboxLimits;
  /** Launches with a program or waiting for one; not those of ours. */
  readonly #live = new Set<Parked>();
  /** Made ahead for the next command. */
  #parked: Promise<Parked> | null = null;
  #running: Parked | null = null;
  /** Of the last command that had one. */
  #terminal: Terminal | null = null;
  #closed = false;
  readonly #mounts: readonly NamedMount[];

  constructor(
    private readonly machine: Machine,
    private readonly template: SandboxTemplate,
    /** `<stateDir>/<instanceId>/<sandboxId>` */
    private readonly folder: string,
    private readonly logger: Logger,
    /** What one archive may hold, in bytes. */
    private readonly archiveBytes: number,
  ) {
    assertSafeName('sandbox id', template.sandboxId);
    assertSafeName('instance id', template.instanceId);
    this.#limits = template.limits;
    this.#mounts = namedMounts(template.mounts, join(folder, 'mounts'));
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
    await requireSources(this.#mounts);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    if (this.machine.cgroups !== null) recordPlace(this.folder, this.machine.cgroups.place);
    const archives = this.#mounts.filter(({ archive }) => archive !== null);
    if (!this.machine.root) {
      await mkdir(this.#paths.workspace);
      await mkdir(this.#paths.output);
      for (const { source } of archives) await mkdir(source, { recursive: true });
    } else await this.#openStage(archives);
    for (const mount of archives) await this.#unpack(mount);
  }

  async #openStage(archives: readonly NamedMount[]): Promise<void> {
    const { machine, template } = this;
    const uid = randomHostUid();
    const holder = await MountHolder.start(processMarker(template.instanceId, template.sandboxId));
    this.#confinement = { uid, holder };
    const disk = { folder: this.folder, uid, bytes: template.limits.diskBytes, image: machine.diskImages };
    await holder.run([
      ...archives.flatMap(({ source }) => fillableFolder(source, uid)),
      ...stageCommands(disk, [...machine.runtimes.bound, ...this.#mounts]),
    ]);
  }

  /** By the sandbox's user, in a sandbox that has nothing else. */
  async #unpack({ name, source, target, archive }: NamedMount): Promise<void> {
    if (archive === null) return;
    const maxBytes = this.archiveBytes;
    const folder = this.#visible([{ name, source, target }])[0]?.source ?? source;
    const limits = { ...this.template.limits, ...ASSIST_LIMITS, fileBytes: maxBytes };
    const { signal = new AbortController().signal } = this.template;
    const start = async (run: CommandSpec): Promise<SandboxProcess> => {
      const parked = await this.#park(limits, { solution: folder, workspace: folder, output: folder }, []);
      const disk = folderDisk([source], maxBytes, () => parked.accounting.processes());
      return this.#start(parked, run, limits, disk);
    };
    await unpack({ archive, target, maxBytes, signal, start });
    await this.#confinement?.holder.run(closeFolder(name));
  }

  async place({ path }: PreparedSolution): Promise<void> {
    this.#solutionPath = path;
    if (this.#confinement !== null) {
      await this.#confinement.holder.run(placeCommands(path, this.#confinement.uid));
    } else {
      const { code, stderr } = await runCommand('/bin/sh', ['-c', copyScript(path, this.#paths.workspace)]);
      if (code !== 0) throw new SandboxError('SANDBOX011', `The solution could not be copied: ${stderr.trim()}`);
    }
    this.#parked = this.#parkForProgram();
    await this.#parked;
  }

  /** As the launcher sees them. */
  #visible(runtimes: readonly Runtime[]): readonly Runtime[] {
    return this.#confinement === null ? runtimes : stagedRuntimes(runtimes);
  }

  async #parkForProgram(): Promise<Parked> {
    const limits = this.#limits;
    const parked = await this.#park(limits);
    this.#live.add(parked);
    void parked.launch.ended.then(() => this.#live.delete(parked));
    try {
      if (limits !== this.#limits) await parked.limit?.(this.#limits); // changed while it was being made
      return parked;
    } catch (error) {
      await parked.remove();
      throw error;
    }
  }

  async #park(
    limits: SandboxLimits,
    paths: SandboxPaths = this.#paths,
    runtimes: readonly Runtime[] = [...this.machine.runtimes.bound, ...this.#mounts],
  ): Promise<Parked> {
    const template = { ...this.template, limits };
    return park(this.machine, template, {
      paths,
      runtimes: this.#visible(runtimes),
      confined: this.#confinement && { uid: this.#confinement.uid, holderPid: this.#confinement.holder.pid },
      launch: ++this.#launches,
    });
  }

  async spawn(run: CommandSpec): Promise<SandboxProcess> {
    if (run.tty && this.machine.noTerminals !== null)
      throw new SandboxError('SANDBOX009', this.machine.noTerminals, { field: 'tty' });
    const parked = await this.#takeParked();
    const tty = run.tty ? await this.#openTerminal(parked, run.tty) : null;
    this.#running = parked;
    const { environment } = this.template;
    const disk = this.#disk(() => parked.accounting.processes());
    const command = { ...run, environment: { ...environment, ...run.environment } };
    const process = this.#start(parked, command, this.#limits, disk, tty);
    void process.ended.then(() => {
      this.#running = null;
      this.#parkNext();
    });
    return { ...process, ended: process.ended.then((end) => this.#withOutput(end)) };
  }

  /** Tells whether it left anything in its output folder, whose own name is nothing that it can change. */
  async #withOutput(end: ExecutionEnd): Promise<ExecutionEnd> {
    const { output } = this.#paths;
    const holder = this.#confinement?.holder;
    const outputEmpty = end.cause === 'lost' ? null : await isEmptyFolder(() => holder?.visible(output) ?? output);
    return outputEmpty === null ? end : { ...end, outputEmpty };
  }

  /** What could not be made leaves nothing, and the next command finds a sandbox. */
  async #openTerminal(parked: Parked, size: TtySize): Promise<RunContext['tty']> {
    const { launch } = parked;
    const { instanceId, sandboxId } = this.template;
    const open = async (): ReturnType<typeof Terminal.open> =>
      Terminal.open({
        size,
        initPid: launch.initPid,
        uid: this.#confinement?.uid ?? null,
        marker: processMarker(instanceId, sandboxId),
        pipes: launch.openPipes(),
      });
    const [opened, leads] = await Promise.allSettled([open(), launch.leadSession()]);
    if (opened.status === 'fulfilled') {
      const { terminal } = opened.value;
      this.#terminal = terminal;
      void launch.ended.then(() => terminal.close());
    }
    if (opened.status === 'fulfilled' && leads.status === 'fulfilled') return opened.value;
    await parked.remove();
    this.#parkNext();
    throw opened.status === 'rejected' ? opened.reason : (leads as PromiseRejectedResult).reason;
  }

  /** A launch of its own beside the program's: with mounts, user and disk in common, and processes and counters apart. */
  async assist(run: CommandSpec): Promise<SandboxProcess> {
    const limits = { ...this.template.limits, ...ASSIST_LIMITS };
    const parked = await this.#park(limits);
    const disk = this.#disk(() => parked.accounting.processes());
    return this.#start(parked, run, limits, disk);
  }

  #start(
    parked: Parked,
    run: CommandSpec,
    limits: SandboxLimits,
    disk: DiskMeter,
    tty: RunContext['tty'] = null,
  ): SandboxProcess {
    const terminalType = tty === null ? {} : { TERM: 'xterm-256color' };
    return startRun(parked, run, {
      environment: { ...this.#defaultEnvironment(), ...terminalType, ...run.environment, ...this.#fixedEnvironment() },
      openFiles: limits.openFiles,
      fileBytes: limits.fileBytes,
      uid: this.#confinement?.uid ?? null,
      tty,
      disk,
      logger: this.logger,
    });
  }

  async #takeParked(): Promise<Parked> {
    const parked = await (this.#parked ?? this.#parkForProgram());
    this.#parked = null;
    if (parked.launch.alive) return parked;
    await parked.remove(); // it was ended while it waited
    return this.#parkForProgram();
  }

  /** A failure is the next command's to tell. */
  #parkNext(): void {
    if (this.#closed) return;
    this.#parked = this.#parkForProgram();
    this.#parked.catch(() => undefined);
  }

  #disk(processes: () => number[]): DiskMeter {
    const { diskBytes } = this.template.limits;
    if (this.#confinement !== null && this.machine.diskImages) return imageDisk(this.#confinement.holder, diskBytes);
    const folder = this.#confinement === null ? this.folder : join(this.folder, 'disk');
    return folderDisk([join(folder, 'workspace'), join(folder, 'output')], diskBytes, processes);
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

  /** @throws SandboxError SANDBOX008, SANDBOX009 */
  async limit(limits: SandboxLimits): Promise<void> {
    if (this.machine.cgroups === null) {
      throw new SandboxError('SANDBOX009', 'Without control groups the limits of a live sandbox cannot be changed.');
    }
    const before = this.#limits;
    this.#limits = limits;
    try {
      await this.#limitAll();
    } catch (error) {
      this.#limits = before;
      await this.#limitAll();
      throw error;
    }
  }

  async #limitAll(): Promise<void> {
    for (const parked of this.#live) {
      await parked.limit?.(this.#limits).catch((error: unknown) => {
        if (parked.launch.alive) throw error; // one that has ended needs no limits
      });
    }
  }

  async measure(): Promise<ResourceUsage> {
    const running = this.#running;
    if (running?.launch.alive !== true) return unmeasuredUsage; // what counted it may be gone
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
    await this.#terminal?.kill();
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
