import { randomBytes } from 'node:crypto';
import { mkdir, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SandboxError, hasErrorCode, unmeasuredUsage } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  Logger,
  PreparedSolution,
  ResourceUsage,
  SandboxProcess,
  SandboxTemplate,
} from '@ergon/sandbox-core';
import { runCommand } from '../posix/command.js';
import { copyScript } from '../posix/copy.js';
import { assertSafeName } from '../posix/names.js';
import { overOwnFolders, ownFolders } from './confined.js';
import { ownDisk } from './disk.js';
import { Family, MARK } from './family.js';
import { MacLaunch } from './launch.js';
import type { MacMachine } from './machine.js';
import { FamilyMeter, processTable } from './meter.js';
import { linkHops, realPath } from './paths.js';
import { macosProfile, type Profile } from './profile.js';
import { RECORD, recordOf } from './record.js';
import { startMacRun } from './run.js';
import { startCommand, type StartLimits } from './start.js';
import type { MacTools } from './tools.js';

/** One sandbox on macOS: its folders for as long as it lives, and a launch under its profile for each command. */
export class MacSandbox {
  /** Real; of the sandbox. */
  #folder = '';
  #solution = '';
  #profile: Profile | null = null;
  #running: FamilyMeter | null = null;

  constructor(
    private readonly machine: MacMachine,
    private readonly template: SandboxTemplate,
    /** `<stateDir>/<instanceId>/<sandboxId>` */
    private readonly folder: string,
    private readonly logger: Logger,
  ) {
    assertSafeName('sandbox id', template.sandboxId);
    assertSafeName('instance id', template.instanceId);
    if (template.mounts.length > 0) {
      throw new SandboxError('SANDBOX009', 'Mounts are not supported on macOS: files have no other place there.', {
        field: 'mounts',
      });
    }
  }

  /** After a failure, `close` removes what there is. */
  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    this.#folder = realPath(this.folder);
    for (const folder of Object.values(ownFolders(this.#folder))) await mkdir(folder, { recursive: true });
    await mkdir(this.#bin);
    for (const [name, target] of Object.entries(this.machine.runtimes.commands)) {
      await symlink(target, join(this.#bin, name));
    }
  }

  /** Commands that the system has under no name, or another. The program can't write here. */
  get #bin(): string {
    return join(this.#folder, 'bin');
  }

  async place({ path }: PreparedSolution): Promise<void> {
    const { runtimes } = this.machine;
    const own = ownFolders(this.#folder);
    this.#solution = realPath(path);
    this.#profile = macosProfile({
      ...own,
      solution: this.#solution,
      runtimes: runtimes.folders,
      executables: runtimes.executables,
      links: [...runtimes.links, ...Object.keys(runtimes.commands).flatMap((name) => linkHops(join(this.#bin, name)))],
    });
    const { code, stderr } = await runCommand('/bin/sh', ['-c', copyScript(this.#solution, own.workspace)]);
    if (code !== 0) throw new SandboxError('SANDBOX011', `The solution could not be copied: ${stderr.trim()}`);
  }

  async spawn(run: CommandSpec): Promise<SandboxProcess> {
    const profile = this.#profile;
    if (profile === null) throw new SandboxError('SANDBOX007', 'The sandbox has no solution yet.');
    if (run.tty) throw new SandboxError('SANDBOX009', 'This provider has no terminals on macOS.', { field: 'tty' });
    const { tools } = this.machine;
    const { limits } = this.template;
    const nonce = randomBytes(16).toString('hex');
    const mark = randomBytes(16).toString('hex');
    const command = startCommand(tools, profile, await this.#startLimits());
    const launch = await MacLaunch.start(command, ownFolders(this.#folder).workspace);
    try {
      const first = (await processTable(tools)).find(({ pid }) => pid === launch.pid);
      if (first === undefined) throw new SandboxError('SANDBOX011', 'The sandbox ended before its program began.');
      await writeFile(join(this.#folder, RECORD), recordOf({ pid: first.pid, start: first.start, mark }), {
        mode: 0o600,
      });
      const meter = new FamilyMeter(tools, new Family(first, mark), limits);
      const disk = ownDisk(tools, this.#folder, limits.diskBytes);
      const environment = { ...this.#environment(run), [MARK]: mark };
      this.#running = meter;
      const process = startMacRun(launch, run, { environment, limits, nonce, meter, disk, logger: this.logger });
      void process.ended.then(() => (this.#running = null));
      return process;
    } catch (error) {
      launch.killGroup();
      throw error;
    }
  }

  /** The scripts that reach files need tools of Linux. */
  async assist(_run: CommandSpec): Promise<SandboxProcess> {
    throw new SandboxError('SANDBOX009', "A sandbox's files can't be reached on macOS.");
  }

  async #startLimits(): Promise<StartLimits> {
    const { fileBytes, pids, cpus, timeoutMs } = this.template.limits;
    const uid = process.getuid?.();
    const others = (await processTable(this.machine.tools)).filter((row) => row.uid === uid).length;
    // Who used this much has used all the time that the CPUs of the limit have until the deadline.
    return { fileBytes, userProcesses: others + pids, cpuSeconds: Math.ceil((timeoutMs / 1000) * cpus) + 1 };
  }

  /** A solution may set PATH, HOME, TMPDIR and LANG otherwise. */
  #environment(run: CommandSpec): Record<string, string> {
    const own = ownFolders(this.#folder);
    const path = [...this.machine.runtimes.path, this.#bin, '/usr/bin', '/bin', '/usr/sbin', '/sbin'].join(':');
    return {
      ...{ PATH: path, HOME: own.home, TMPDIR: own.temporary, LANG: 'en_US.UTF-8' },
      ...run.environment,
      SANDBOX_ID: this.template.sandboxId,
      SOLUTION_DIR: this.#solution,
      WORKSPACE_DIR: own.workspace,
      OUTPUT_DIR: own.output,
    };
  }

  async measure(): Promise<ResourceUsage> {
    const running = this.#running;
    if (running === null) return unmeasuredUsage;
    const { usedBytes } = await ownDisk(this.machine.tools, this.#folder, this.template.limits.diskBytes).use();
    return { ...running.usage(), diskBytes: usedBytes };
  }

  /** Removes all of it. Safe to call twice, and after a failed `open`. */
  async close(): Promise<void> {
    await removeMacFolder(this.machine.tools, this.folder);
  }
}

/**
 * Empties what are still folders. A program may have put on its files: flags, lists of who may do what (only macOS has these two), and modes.
 */
const EMPTY = `
for folder; do
  if [ -L "$folder" ] || [ ! -d "$folder" ]; then continue; fi
  chflags -R nouchg,nouappnd "$folder" 2>/dev/null
  chmod -R -N "$folder" 2>/dev/null
  chmod -R u+rwX "$folder" 2>/dev/null
  find "$folder" -mindepth 1 -maxdepth 1 -exec rm -rf -- {} + || exit
done
`;

/** Removes a sandbox's folder, and the instance's when it was the last in it. */
export async function removeMacFolder(tools: MacTools, folder: string): Promise<void> {
  const real = await presentPath(folder);
  if (real === null) return;
  const { code, stderr } = await overOwnFolders(tools, real, EMPTY);
  if (code !== 0) throw new SandboxError('SANDBOX011', `${folder} could not be emptied: ${stderr.trim()}`);
  await rm(real, { recursive: true, force: true }); // what we made is left in it, and links and files that took its place
  await rmdir(dirname(real)).catch((error: unknown) => {
    if (!['ENOTEMPTY', 'ENOENT', 'EEXIST'].some((each) => hasErrorCode(error, each))) throw error;
  });
}

async function presentPath(folder: string): Promise<string | null> {
  try {
    return realPath(folder);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return null;
    throw error;
  }
}
