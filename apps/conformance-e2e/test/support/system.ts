import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ConformanceFixtures } from '@ergon/sandbox-conformance';
import { hasErrorCode } from '@ergon/sandbox-core';

/** What the suite has to know of sandboxes by bubblewrap: found on the system, whatever a broken provider says of them. */
export const fixtures: ConformanceFixtures = {
  vanish: async ({ sandboxId, instanceId }) => {
    const marker = `ergon-sandbox/${instanceId}/${sandboxId}`;
    for (const pid of processes().filter((each) => read(`/proc/${each}/cmdline`).includes(marker))) kill(pid);
  },
  leftovers: async (instanceId, sandboxIds) => leftovers([instanceId, ...sandboxIds]),
};

/** Processes, cgroups, mounts and loop devices that carry one of these names. */
export function leftovers(names: readonly string[]): string[] {
  const named = (text: string): boolean => names.some((name) => text.includes(name));
  return [
    ...processes().flatMap((pid) => {
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
      return named(command) || named(read(`/proc/${pid}/environ`)) ? [`process ${pid}: ${command}`] : [];
    }),
    ...folders('/sys/fs/cgroup').filter(named),
    ...read('/proc/self/mountinfo').split('\n').filter(named),
    ...readdirSync('/sys/block')
      .map((device) => read(`/sys/block/${device}/loop/backing_file`))
      .filter(named),
  ];
}

export function processes(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid);
}

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!hasErrorCode(error, 'ESRCH')) throw error;
  }
}

/** Empty where there is nothing to read, e.g. of a process that ended while we looked. */
export function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function folders(above: string): string[] {
  if (!existsSync(above)) return [];
  try {
    return readdirSync(above, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [join(above, entry.name), ...folders(join(above, entry.name))] : [],
    );
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return []; // it went while we looked
    throw error;
  }
}
