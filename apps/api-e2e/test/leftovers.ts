import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Everything on this machine that belongs to sandboxes of a data folder, in words: folders below it, loop devices over its files,
 * processes that mount something of it or have it in their arguments, and cgroups named after its starts. An ordinary user sees nothing of
 * a guest but its arguments, so programs of tests run what must not stay with the folder among them ({@link marked}).
 */
export function leftovers(dataDir: string): string[] {
  const starts = instancesOf(dataDir);
  return [
    ...starts.map((instance) => `folder sandboxes/${instance}`),
    ...loopFiles()
      .filter((file) => file.startsWith(`${dataDir}/`))
      .map((file) => `loop device over ${file}`),
    ...processesAbout(dataDir),
    ...cgroupsNamed(knownInstances.get(dataDir) ?? new Set()),
  ];
}

/** A command for a shell that sleeps for ten minutes and can be found. */
export const marked = 'sh -c "sleep 600; :" "$DATA_DIR"';

/** The starts seen so far of each data folder: their folders are gone when their cgroups must be. */
const knownInstances = new Map<string, Set<string>>();

/** The names of all starts that were ever seen in a data folder. */
export function seenInstancesOf(dataDir: string): ReadonlySet<string> {
  instancesOf(dataDir);
  return knownInstances.get(dataDir) ?? new Set();
}

/** Reads, and keeps, the names of the starts that have something in a data folder. */
export function instancesOf(dataDir: string): string[] {
  const folder = join(dataDir, 'sandboxes');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const known = knownInstances.get(dataDir) ?? new Set();
  for (const name of names) known.add(name);
  knownInstances.set(dataDir, known);
  return names;
}

function loopFiles(): string[] {
  return readdirSync('/sys/block')
    .map((device) => readIfThere(`/sys/block/${device}/loop/backing_file`).trim())
    .filter((file) => file !== '');
}

function processesAbout(dataDir: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      const command = readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      if (command.includes('/api/dist/main.js')) return [];
      const about =
        command.includes(dataDir) ||
        readIfThere(`/proc/${pid}/mountinfo`).includes(dataDir) ||
        linkIfThere(`/proc/${pid}/cwd`).startsWith(dataDir);
      return about ? [`process ${pid}: ${command}`] : [];
    });
}

function cgroupsNamed(instances: ReadonlySet<string>): string[] {
  if (instances.size === 0) return [];
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of entriesIfThere(folder)) {
      const path = join(folder, entry);
      if (instances.has(entry)) found.push(`cgroup ${path}`);
      visit(path);
    }
  };
  visit('/sys/fs/cgroup');
  return found;
}

function entriesIfThere(folder: string): string[] {
  return ifThere(() => readdirSync(folder, { withFileTypes: true }), [])
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

function readIfThere(path: string): string {
  return ifThere(() => readFileSync(path, 'utf8'), '');
}

function linkIfThere(path: string): string {
  return ifThere(() => readlinkSync(path), '');
}

/** Processes, devices and groups of others come and go while we look, and some may not be looked at. */
function ifThere<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch (error) {
    const gone = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL', 'ENOTDIR', 'ENODEV', 'ENXIO'];
    if (gone.includes(String((error as NodeJS.ErrnoException).code))) return otherwise;
    throw error;
  }
}

/** What a process has open, as the kernel names it. */
export function openFiles(pid: number | undefined): string[] {
  const folder = `/proc/${String(pid)}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(join(folder, fd))];
    } catch {
      return []; // closed since it was listed
    }
  });
}
