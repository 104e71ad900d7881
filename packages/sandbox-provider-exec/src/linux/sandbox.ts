import { randomBytes } from 'node:crypto';
import { mkdir, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SandboxError, unmeasuredUsage } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  LimitHit,
  Logger,
  PreparedSolution,
  ResourceUsage,
  SandboxProcess,
  SandboxTemplate,
} from '@ergon/sandbox-core';
import { cgroupAccounting, treeAccounting, type Accounting } from './accounting.js';
import { bubblewrapArguments, etcFiles, HOME, type SandboxPaths } from './bubblewrap/arguments.js';
import { Cgroup } from './cgroup/group.js';
import { runCommand, runOverOwnFiles } from './command.js';
import { someCpus } from './cpus.js';
import { randomHostUid } from './identity.js';
import { describeEnd } from './launch/end.js';
import { Launch } from './launch/launch.js';
import { FIRST_ETC, launcherCommand } from './launch/launcher.js';
import { guestScript } from './launch/script.js';
import type { Machine } from './machine.js';
import { MountHolder } from './mounts/holder.js';
import {
  copyScript,
  imageIsFree,
  imageUse,
  placeCommands,
  stageCommands,
  stagedRuntimes,
  stagePaths,
} from './mounts/workspace.js';
import { assertSafeName, processMarker } from './names.js';
import { killIfPresent } from './processes.js';
import { FolderMeter } from './watch/folder.js';
import { TreeMeter } from './watch/tree.js';
import { Watchdog, type Watched } from './watch/watchdog.js';

/** A sandbox that waits for its program, with what counts it. */
interface Parked {
  readonly launch: Launch;
  readonly group: Cgroup | null;
  readonly accounting: Accounting;
  readonly watched: readonly Watched[];
}

/** One sandbox on Linux: its disk and mounts for as long as it lives, and a launch for each command. */
export class LinuxSandbox {
  readonly #uid: number | null;
  #holder: MountHolder | null = null;
  #solutionPath = '';
  #launches = 0;
  #parked: Promise<Parked> | null = null;
  #running: Parked | null = null;
  #diskBytes: number | null = null;
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
    this.#uid = machine.root ? randomHostUid() : null;
  }

  get #marker(): string {
    return processMarker(this.template.instanceId, this.template.sandboxId);
  }

  /** As the launcher sees them. */
  get #paths(): SandboxPaths {
    if (this.#holder !== null) return stagePaths;
    return {
      solution: this.#solutionPath,
      workspace: join(this.folder, 'workspace'),
      output: join(this.folder, 'output'),
    };
  }

  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    if (this.#uid === null) {
      await mkdir(this.#paths.workspace);
      await mkdir(this.#paths.output);
      return;
    }
    const { diskImages, runtimes } = this.machine;
    this.#holder = await MountHolder.start(this.#marker);
    const disk = { folder: this.folder, uid: this.#uid, bytes: this.template.limits.diskBytes, image: diskImages };
    await this.#holder.run(stageCommands(disk, runtimes.bound));
  }

  async place({ path }: PreparedSolution): Promise<void> {
    this.#solutionPath = path;
    if (this.#holder !== null && this.#uid !== null) {
      await this.#holder.run(placeCommands(path, this.#uid));
    } else {
      const { code, stderr } = await runCommand('/bin/sh', ['-c', copyScript(path, this.#paths.workspace)]);
      if (code !== 0) throw new SandboxError('SANDBOX011', `The solution could not be copied: ${stderr.trim()}`);
    }
    this.#parked = this.#park();
    await this.#parked;
  }

  async #park(): Promise<Parked> {
    const { machine, template } = this;
    const { limits, instanceId, sandboxId } = template;
    const group = machine.cgroups && new Cgroup(machine.cgroups, instanceId, `${sandboxId}-${++this.#launches}`);
    try {
      group?.create(limits);
      const launch = await Launch.park({
        command: launcherCommand({
          bwrap: machine.bwrap,
          marker: this.#marker,
          fileBytes: limits.fileBytes,
          confined:
            this.#holder === null || this.#uid === null
              ? null
              : { uid: this.#uid, holderPid: this.#holder.pid, joinFiles: group?.joinFiles ?? [] },
          fallback: group === null ? { pids: limits.pids, cpuList: someCpus(machine.allowedCpus, limits.cpus) } : null,
        }),
        bwrapArguments: bubblewrapArguments({
          paths: this.#paths,
          runtimes: this.#holder === null ? machine.runtimes.bound : stagedRuntimes(machine.runtimes.bound),
          systemFolders: machine.systemFolders,
          pythonLink: machine.pythonLink,
          temporaryBytes: limits.memoryBytes,
          etc: Object.fromEntries(Object.keys(etcFiles).map((name, index) => [name, FIRST_ETC + index])),
        }),
        seccomp: machine.seccomp,
        owner: this.#uid,
      });
      return { launch, group, ...this.#meters(launch, group) };
    } catch (error) {
      const kills = group?.memoryKills ?? 0;
      await group?.remove();
      if (kills === 0) throw error;
      throw new SandboxError('SANDBOX004', `A sandbox does not fit into ${limits.memoryBytes} bytes of memory.`, {
        cause: error,
        field: 'memory_limit',
      });
    }
  }

  #meters(launch: Launch, group: Cgroup | null): Pick<Parked, 'accounting' | 'watched'> {
    const { limits } = this.template;
    if (group !== null) {
      const accounting = cgroupAccounting(group, limits, [launch.pid, launch.initPid]);
      return { accounting, watched: this.#watchedDisk(() => accounting.processes()) };
    }
    const tree = new TreeMeter(launch.initPid, limits);
    const accounting = treeAccounting(tree);
    return { accounting, watched: [tree, ...this.#watchedDisk(() => accounting.processes())] };
  }

  #watchedDisk(processes: () => number[]): Watched[] {
    if (this.#holder !== null && this.machine.diskImages) return [];
    const folder = this.#holder === null ? this.folder : join(this.folder, 'disk');
    const meter = new FolderMeter(
      [join(folder, 'workspace'), join(folder, 'output')],
      this.template.limits.diskBytes,
      processes,
    );
    return [
      {
        look: async () => {
          const hit = await meter.look();
          this.#diskBytes = meter.usedBytes;
          return hit;
        },
      },
    ];
  }

  async spawn(run: CommandSpec): Promise<SandboxProcess> {
    if (run.tty) throw new SandboxError('SANDBOX009', 'This provider has no terminals.', { field: 'tty' });
    const parked = await this.#takeParked();
    const { launch, accounting, watched } = parked;
    const { limits, environment, sandboxId } = this.template;
    const nonce = randomBytes(16).toString('hex');
    let killed = false;
    const killAll = (): void => {
      killed = true;
      launch.killAll();
    };
    this.#running = parked;
    accounting.start();
    const watchdog = new Watchdog(watched, run.exceeded, (error) => {
      this.logger.error('A limit can no longer be watched; the run is ended', { sandboxId, error });
      killAll();
    });
    if (!run.stdin) launch.input.end();
    launch.go(
      guestScript({
        command: run.command,
        environment: { ...this.#ownEnvironment(), ...environment, ...run.environment, ...fixedEnvironment(sandboxId) },
        openFiles: limits.openFiles,
        stdin: run.stdin,
        nonce,
      }),
    );
    const ended = launch.ended.then(async (seen) => {
      await watchdog.stop();
      launch.input.destroy();
      const usage = await this.#usage(parked);
      const end = describeEnd(seen, {
        program: run.command[0] ?? '',
        nonce,
        killed,
        shellReportsSignals: this.machine.shellReportsSignals,
        fileBytes: limits.fileBytes,
        limitsHit: await this.#hits(parked),
        usage,
      });
      this.#running = null;
      await parked.group?.remove();
      this.#parkNext();
      return end;
    });
    return {
      output: launch.output,
      write: (data) =>
        new Promise((resolve, reject) => {
          launch.input.write(data, (error) => (error ? reject(error) : resolve()));
        }),
      closeInput: () => new Promise((resolve) => launch.input.end(() => resolve())),
      kill: async (signal) => {
        if (signal === 'SIGKILL') killAll();
        else await this.#terminate(accounting);
      },
      ended,
    };
  }

  /** Parked ahead for the next command; a failure is that command's to tell. */
  #parkNext(): void {
    if (this.#closed) return;
    this.#parked = this.#park();
    this.#parked.catch(() => undefined);
  }

  async #takeParked(): Promise<Parked> {
    const parked = await (this.#parked ?? this.#park());
    this.#parked = null;
    if (parked.launch.alive) return parked;
    await parked.group?.remove(); // it was ended while it waited
    return this.#park();
  }

  /** SIGTERM to all but bubblewrap and the init. As the sandbox's uid, so that a pid given anew to another's process is not hit. */
  async #terminate(accounting: Accounting): Promise<void> {
    const pids = accounting.processes();
    if (this.#uid === null) for (const pid of pids) killIfPresent(pid, 'SIGTERM');
    else await runCommand('/bin/sh', ['-c', 'kill -TERM "$@" 2>/dev/null; :', 'sh', ...pids.map(String)], this.#uid);
  }

  #ownEnvironment(): Record<string, string> {
    const bins = this.machine.runtimes.bound.map(({ target }) => `${target}/bin`);
    const path = ['/usr/local/bin', '/usr/bin', '/bin', ...bins, ...(this.machine.pythonLink ? ['/runtimes/bin'] : [])];
    return { PATH: path.join(':'), HOME, LANG: 'C.UTF-8' };
  }

  async #hits({ accounting }: Parked): Promise<LimitHit[]> {
    const hits = accounting.hits();
    if (this.#holder === null || !this.machine.diskImages) return hits;
    const { full, usedBytes } = await imageUse(this.#holder);
    const value = this.template.limits.diskBytes;
    return full ? [...hits, { limit: 'disk', value, evidence: `its filesystem is full at ${usedBytes} bytes` }] : hits;
  }

  async measure(): Promise<ResourceUsage> {
    return this.#running === null ? unmeasuredUsage : this.#usage(this.#running);
  }

  async #usage({ accounting }: Parked): Promise<ResourceUsage> {
    const onImage = this.#holder !== null && this.machine.diskImages;
    const diskBytes = onImage && this.#holder !== null ? (await imageUse(this.#holder)).usedBytes : this.#diskBytes;
    return { ...accounting.usage(), diskBytes };
  }

  /** Removes all of it. Safe to call twice, and after a failed `open`. */
  async close(): Promise<void> {
    this.#closed = true;
    const parked = await this.#parked?.catch(() => null);
    this.#parked = null;
    if (parked) {
      parked.launch.discard();
      await parked.launch.ended;
      await parked.group?.remove();
    }
    await this.#holder?.stop();
    if (this.#holder !== null && this.machine.diskImages) await imageIsFree(this.folder);
    await removeFolder(this.folder);
  }
}

function fixedEnvironment(sandboxId: string): Record<string, string> {
  return { SANDBOX_ID: sandboxId, SOLUTION_DIR: '/solution', WORKSPACE_DIR: '/workspace', OUTPUT_DIR: '/output' };
}

/** Removes a sandbox's folder, and the instance's when it was the last in it. */
export async function removeFolder(folder: string): Promise<void> {
  const { code, stderr } = await runOverOwnFiles('rm', ['-rf', '--', folder]);
  if (code !== 0) throw new SandboxError('SANDBOX011', `${folder} could not be removed: ${stderr.trim()}`);
  await rmdir(dirname(folder)).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  });
}
