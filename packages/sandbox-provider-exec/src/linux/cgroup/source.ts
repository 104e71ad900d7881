import { newInstanceId, sentenceOf } from '@ergon/sandbox-core';
import type { SandboxLimits } from '@ergon/sandbox-core';
import { runCommand, type CommandOptions } from '../../posix/command.js';
import { quote } from '../../posix/shell.js';
import { Cgroup } from './group.js';
import { groupsOf, ownGroups, type Unified } from './hierarchies.js';
import type { CgroupPlace } from './place.js';
import { userRuntimeDir, UserScope } from './scope.js';
import { adoptGroup, isForeignUnit, parentFor } from './unified.js';

/** Where groups are made here, and how a process gets into one. */
export interface Cgroups {
  readonly place: CgroupPlace;
  /** Commands of a shell, which afterwards is in the group. */
  readonly join: (group: Cgroup) => readonly string[];
  /** For people: which of the ways was found. */
  readonly how: string;
}

/** What keeps limits where there are no groups. `why`: for people. */
export interface NoCgroups {
  readonly why: string;
}

const TRIED: SandboxLimits = {
  memoryBytes: 64 << 20,
  cpus: 1,
  pids: 8,
  diskBytes: 0,
  openFiles: 0,
  fileBytes: 0,
  outputBytes: 0,
  timeoutMs: 0,
};

/** Finds groups that this server may limit, the least that has to be changed for it first; keeps the scope that it may have asked systemd for. */
export class CgroupSource implements AsyncDisposable {
  #scope: Promise<UserScope | string> | null = null;

  async find(root: boolean, options: CommandOptions = {}): Promise<Cgroups | NoCgroups> {
    const { v1, v2 } = ownGroups();
    if (v1 !== null) {
      if (!root) return { why: 'cgroup v1 has groups for root alone' };
      return tried({ place: { version: 1, hierarchies: v1 }, join: joinByFile, how: 'v1' }, options);
    }
    if (v2 === null) return { why: 'no hierarchy of control groups is mounted' };
    const own = await ownPlace(v2, root, options);
    if ('place' in own) return own;
    const other = root ? await belowTop(v2, options) : await this.#inScope(options);
    return 'place' in other ? other : { why: `${own.why}; ${other.why}` };
  }

  async #inScope(options: CommandOptions): Promise<Cgroups | NoCgroups> {
    const runtimeDir = userRuntimeDir();
    if (runtimeDir === null) return { why: 'no systemd of this user answers' };
    const before = this.#scope?.catch(() => null) ?? Promise.resolve(null);
    this.#scope = before.then((kept) =>
      // who asks meanwhile gets the same
      kept instanceof UserScope && kept.alive ? kept : UserScope.start(runtimeDir, options.signal),
    );
    const scope = await this.#scope;
    options.signal?.throwIfAborted();
    if (!(scope instanceof UserScope)) return { why: scope };
    const parent = groupsOf(scope.cgroup).v2?.own;
    if (parent === undefined) return { why: 'the scope that systemd made is not seen here' };
    const refused = adoptGroup(parent);
    if (refused !== null) return { why: `the scope that systemd made can't be used: ${refused}` };
    const place = { version: 2, parent } as const;
    const how = "v2, in a scope of the user's systemd";
    const direct = await tried({ place, join: joinByFile, how }, options);
    if ('place' in direct) return direct;
    const bySystemd = (group: Cgroup): string[] =>
      group.folders.map((folder) => scope.joinCommand(folder.slice(parent.length)));
    return tried({ place, join: bySystemd, how: `${how}, entered by it` }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const scope = await this.#scope;
    this.#scope = null;
    if (scope instanceof UserScope) await scope.stop();
  }
}

async function ownPlace({ own }: Unified, root: boolean, options: CommandOptions): Promise<Cgroups | NoCgroups> {
  const parent = parentFor(own);
  if (root && (await isForeignUnit(parent, options))) return { why: "this server's own group is systemd's" };
  const refused = adoptGroup(parent);
  if (refused !== null) return { why: `this server's own group can't be used: ${refused}` };
  return tried({ place: { version: 2, parent }, join: joinByFile, how: "v2, below this server's own group" }, options);
}

async function belowTop({ top }: Unified, options: CommandOptions): Promise<Cgroups | NoCgroups> {
  const refused = adoptGroup(top);
  if (refused !== null) return { why: `the top group can't be used: ${refused}` };
  return tried(
    { place: { version: 2, parent: top }, join: joinByFile, how: 'v2, below the top of the hierarchy' },
    options,
  );
}

const joinByFile = (group: Cgroup): string[] =>
  group.folders.map((folder) => `echo $$ > ${quote(`${folder}/cgroup.procs`)} || exit 125`);

/** Makes a group with limits and lets a process into it. */
async function tried(cgroups: Cgroups, options: CommandOptions): Promise<Cgroups | NoCgroups> {
  const group = new Cgroup(cgroups.place, newInstanceId(), 'probe');
  try {
    group.create(TRIED);
    const { code, stderr } = await runCommand('/bin/sh', ['-c', cgroups.join(group).join('\n')], options);
    return code === 0 ? cgroups : { why: `no process gets into a group of ${cgroups.how}: ${stderr.trim()}` };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { why: `no group can be made (${cgroups.how}): ${sentenceOf(error)}` };
  } finally {
    await group.remove();
  }
}
