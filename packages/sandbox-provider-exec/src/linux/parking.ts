import { SandboxError } from '@ergon/sandbox-core';
import type { SandboxLimits, SandboxTemplate } from '@ergon/sandbox-core';
import { cgroupAccounting, treeAccounting, type Accounting } from './accounting.js';
import { bubblewrapArguments, etcFiles, type SandboxPaths } from './bubblewrap/arguments.js';
import { Cgroup } from './cgroup/group.js';
import { someCpus } from './cpus.js';
import { Launch } from './launch/launch.js';
import { BWRAP, FIRST_ETC, launcherCommand } from './launch/launcher.js';
import type { Machine } from './machine.js';
import { processMarker } from '../posix/names.js';
import type { Runtime } from './runtimes/runtime.js';
import { TreeMeter } from './watch/tree.js';
import type { Watched } from '../posix/watchdog.js';

export interface ParkingPlace {
  readonly paths: SandboxPaths;
  readonly runtimes: readonly Runtime[];
  /** Of a root server's sandbox. */
  readonly confined: { readonly uid: number; readonly holderPid: number } | null;
  /** Counts the launches of one sandbox. */
  readonly launch: number;
}

/** A sandbox that waits for its program, with what counts it. */
export interface Parked {
  readonly launch: Launch;
  readonly accounting: Accounting;
  /** What a watchdog has to look at. */
  readonly watched: readonly Watched[];
  /** Changes its limits; all of them, or none. Null: what keeps them can't be changed. */
  readonly limit: ((limits: SandboxLimits) => Promise<void>) | null;
  /** Ends what is left of it, and removes its group. */
  remove(): Promise<void>;
}

/** Makes everything of a sandbox but its program. When it throws, nothing is left. */
export async function park(machine: Machine, template: SandboxTemplate, place: ParkingPlace): Promise<Parked> {
  const { limits, instanceId, sandboxId } = template;
  const group = machine.cgroups && new Cgroup(machine.cgroups.place, instanceId, `${sandboxId}-${place.launch}`);
  try {
    group?.create(limits);
  } catch (error) {
    await group?.remove();
    throw error;
  }
  try {
    const launch = await Launch.park({
      command: launcherCommand({
        bwrap: machine.bwrap,
        marker: processMarker(instanceId, sandboxId),
        fileBytes: limits.fileBytes,
        confined: place.confined,
        join: group === null ? [] : (machine.cgroups?.join(group) ?? []),
        fallback: group === null ? { pids: limits.pids, cpuList: someCpus(machine.allowedCpus, limits.cpus) } : null,
      }),
      bwrapArguments: bubblewrapArguments({
        paths: place.paths,
        runtimes: place.runtimes,
        systemFolders: machine.systemFolders,
        pythonLink: machine.runtimes.pythonLink,
        temporaryBytes: limits.memoryBytes,
        terminals: machine.noTerminals === null,
        initShell: BWRAP.initShell,
        etc: Object.fromEntries(Object.keys(etcFiles).map((name, index) => [name, FIRST_ETC + index])),
      }),
      seccomp: machine.seccomp,
      shell: machine.shell,
      owner: place.confined?.uid ?? null,
      terminals: machine.noTerminals === null,
    });
    const remove = async (): Promise<void> => {
      launch.discard();
      await launch.ended;
      await group?.remove();
    };
    if (group !== null) {
      const accounting = cgroupAccounting(group, limits, [launch.pid, launch.initPid]);
      let inForce = limits;
      const limit = async (to: SandboxLimits): Promise<void> => {
        await group.limit(inForce, to);
        accounting.limited(to);
        inForce = to;
      };
      return { launch, accounting, watched: group.keepsPeak ? [] : [peakOf(group)], limit, remove };
    }
    const tree = new TreeMeter(launch.initPid, limits);
    return { launch, accounting: treeAccounting(tree), watched: [tree], limit: null, remove };
  } catch (error) {
    const killed = group !== null && group.memoryEvidence !== null;
    await group?.remove();
    if (!killed) throw error;
    const message = `A sandbox does not fit into ${limits.memoryBytes} bytes of memory.`;
    throw new SandboxError('SANDBOX004', message, { cause: error, field: 'memory_limit' });
  }
}

/** Looking is what keeps the peak, where the kernel does not. */
function peakOf(group: Cgroup): Watched {
  return {
    look: () => {
      group.samplePeak();
      return Promise.resolve(null);
    },
  };
}
