import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * All that a server's sandboxes have on this machine now, under any name: processes by the words on their command line and by what
 * they inherited, cgroups, mounts and loop devices, folders. Finds by looking at the system, not by asking the product.
 */
export function leftovers(instanceId: string, sandboxIds: readonly string[], stateDir: string): string[] {
  const names = [instanceId, ...sandboxIds];
  const mentions = (text: string): boolean => names.some((name) => text.includes(name));
  return [
    ...processes().flatMap((pid) =>
      mentions(read(`/proc/${pid}/cmdline`)) || mentions(read(`/proc/${pid}/environ`)) ? [describe(pid)] : [],
    ),
    ...cgroups('/sys/fs/cgroup').filter(mentions),
    ...read('/proc/self/mountinfo').split('\n').filter(mentions),
    ...readdirSync('/sys/block')
      .map((device) => read(`/sys/block/${device}/loop/backing_file`))
      .filter(mentions),
    ...(existsSync(join(stateDir, instanceId)) ? [join(stateDir, instanceId)] : []),
  ];
}

function processes(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid);
}

function describe(pid: number): string {
  return `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')} (${read(`/proc/${pid}/stat`).split(' ')[2] ?? 'gone'})`;
}

function cgroups(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [join(folder, entry.name), ...cgroups(join(folder, entry.name))] : [],
    );
  } catch {
    return []; // it went while we looked, or there are none on this machine
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended while we looked, or belongs to another user
  }
}
