import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import { instancesWithGroups, removeInstanceGroups } from './cgroup/group.js';
import { ownPlaces, recordedPlace, type CgroupPlace } from './cgroup/place.js';
import { imageIsFree } from './mounts/image.js';
import { makerIsDead, processMarker } from '../posix/names.js';
import { killIfPresent } from '../posix/kill.js';
import { isAlive, processesMarked, processTree } from './processes.js';
import { removeFolder } from './sandbox.js';
import { holdsWithin } from '../posix/wait.js';

/**
 * Removes what a dead server's sandboxes left: processes, groups, mounts (which end with their processes) and folders; and the groups
 * of any other server of this boot that has ended. Without a name: of all that are named below `stateDir` and have ended. @returns how many sandboxes had something left
 */
export async function reclaimLinux(instanceId: string | null, stateDir: string): Promise<number> {
  const own = ownPlaces();
  if (instanceId === null) {
    let removed = 0;
    const dead = existsSync(stateDir) ? readdirSync(stateDir).filter(makerIsDead) : [];
    for (const other of dead) removed += await reclaimLinux(other, stateDir);
    for (const place of own) removed += await removeGroupsOfTheDead(place);
    return removed;
  }
  const folder = join(stateDir, instanceId);
  const kept = existsSync(folder) ? readdirSync(folder) : [];
  const sandboxes = new Set(kept);
  const recorded = kept.flatMap((sandboxId) => recordedPlace(join(folder, sandboxId)) ?? []);
  for (const place of [...own, ...recorded]) {
    for (const name of await removeInstanceGroups(place, instanceId)) sandboxes.add(name.replace(/-\d+$/, ''));
    await removeGroupsOfTheDead(place);
  }
  for (const id of await endProcesses(instanceId)) sandboxes.add(id);
  for (const sandboxId of kept) {
    await imageIsFree(join(folder, sandboxId));
    await removeFolder(join(folder, sandboxId));
  }
  return sandboxes.size;
}

async function removeGroupsOfTheDead(place: CgroupPlace): Promise<number> {
  let removed = 0;
  for (const other of instancesWithGroups(place)) {
    if (makerIsDead(other)) removed += (await removeInstanceGroups(place, other)).length;
  }
  return removed;
}

/** Launchers and holders carry their sandbox's name on the command line; what they started is below them. */
async function endProcesses(instanceId: string): Promise<string[]> {
  const prefix = processMarker(instanceId, '');
  const sandboxes = new Set<string>();
  const seen = new Map<number, number>();
  let looksWithout = 0;
  const ended = await holdsWithin(10_000, () => {
    const marked = processesMarked((word) => word.startsWith(prefix));
    for (const { pid, word } of marked) {
      sandboxes.add(word.slice(prefix.length));
      for (const process of processTree(pid).reverse()) {
        seen.set(process.pid, process.start);
        killIfPresent(process.pid, 'SIGKILL');
      }
    }
    // One that is dying has no command line any more; and one that was forked while we looked is seen by the next look.
    const areGone = marked.length === 0 && ![...seen].some(([pid, start]) => isAlive(pid, start));
    looksWithout = areGone ? looksWithout + 1 : 0;
    return looksWithout === 2;
  });
  if (!ended) throw new SandboxError('SANDBOX011', `Processes of the instance ${instanceId} could not be ended.`);
  return [...sandboxes];
}
