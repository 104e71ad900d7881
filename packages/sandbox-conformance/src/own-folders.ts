import { lstatSync } from 'node:fs';
import { holds } from './promises.js';
import type { TestSandbox } from './sandbox.js';

const names = ['WORKSPACE_DIR', 'OUTPUT_DIR', 'SOLUTION_DIR'] as const;

/** Of those that stand on this machine: device, inode and time of change, by which a folder is known wherever it is mounted. */
export function foldersOfTheHost(): ReadonlyMap<string, string> {
  const found = ['/workspace', '/output', '/solution'].flatMap((path): (readonly [string, string])[] => {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats === undefined ? [] : [[`${stats.dev}:${stats.ino}:${Math.floor(stats.ctimeMs / 1000)}`, path]];
  });
  return new Map(found);
}

/**
 * Fails unless a sandbox's folders are its own. A provider that is being written may have no walls yet, and the tests empty these folders: on a
 * machine that has, say, a project at /workspace, nothing may be tried until that is known.
 */
export async function assertOwnFolders(sandbox: TestSandbox, host: ReadonlyMap<string, string>): Promise<void> {
  const { stdout } = await sandbox.sh(
    `for name in ${names.join(' ')}; do eval "folder=\\$$name"; stat -L -c '%d:%i:%Z' "$folder/."; done`,
  );
  const looks = stdout.trim().split('\n');
  holds(
    looks.length === names.length && looks.every((look) => /^\d+:\d+:\d+$/.test(look)),
    {
      promise: 'WORKSPACE_DIR, OUTPUT_DIR and SOLUTION_DIR name folders of the sandbox.',
      mend: `Set them, and have stat(1) inside. This machine has ${[...host.values()].join(', ')}: nothing was tried, since these might be what is emptied.`,
    },
    stdout,
  );
  const shared = looks.flatMap((look, index) =>
    host.has(look) ? [`${names[index] ?? ''} is the host's ${host.get(look) ?? ''}`] : [],
  );
  holds(
    shared.length === 0,
    {
      promise: 'The folders of a sandbox are not those of the host.',
      mend: 'Give each sandbox its own, and name them by these variables. Nothing was tried: the tests would have emptied the folders of the host.',
    },
    shared,
  );
}
