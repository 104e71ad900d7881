import { runCommand, type CommandOptions, type CommandResult } from '../posix/command.js';

/**
 * Runs a tool that may enter and remove whatever a program of ours left, folders without permissions included: as root anyway, as an
 * ordinary user in a user namespace in which the own files belong to its root.
 */
export function runOverOwnFiles(
  file: string,
  args: readonly string[],
  options?: CommandOptions,
): Promise<CommandResult> {
  return process.getuid?.() === 0
    ? runCommand(file, args, options)
    : runCommand('unshare', ['-Ur', '--', file, ...args], options);
}
