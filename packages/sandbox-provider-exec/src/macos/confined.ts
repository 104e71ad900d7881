import { join } from 'node:path';
import { runCommand, type CommandResult } from '../posix/command.js';
import { macosProfile, type ProfilePaths } from './profile.js';
import { confinedCommand, shellWords } from './start.js';
import type { MacTools } from './tools.js';

/** Where a sandbox keeps what its program may write, below its own folder. */
export function ownFolders(folder: string): { workspace: string; output: string; home: string; temporary: string } {
  const disk = join(folder, 'disk');
  return {
    workspace: join(disk, 'workspace'),
    output: join(disk, 'output'),
    home: join(disk, 'home'),
    temporary: join(disk, 'tmp'),
  };
}

type RuntimePaths = Pick<ProfilePaths, 'runtimes' | 'executables' | 'links'>;
const noRuntimes: RuntimePaths = { runtimes: [], executables: [], links: [] };

/**
 * Runs a script of ours over what a program left, with the rights that the program had: whatever it made of the names there leads nowhere
 * else. The script gets those folders as its arguments.
 */
export function overOwnFolders(
  tools: MacTools,
  folder: string,
  script: string,
  { signal, runtimes = noRuntimes }: { signal?: AbortSignal; runtimes?: RuntimePaths } = {},
): Promise<CommandResult> {
  const own = ownFolders(folder);
  const profile = macosProfile({ ...own, solution: own.workspace, ...runtimes });
  const command = [...shellWords(tools.shell), '-c', script, tools.shell, ...Object.values(own)];
  const [file = '', ...args] = confinedCommand(tools, profile, command);
  return runCommand(file, args, signal ? { signal } : {});
}
