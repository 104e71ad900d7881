import { accessSync, constants, existsSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import { findPrefix, node, python, type RuntimeSearch } from '../posix/runtimes.js';
import { linkHops, realPath } from './paths.js';

/** Language runtimes that sandboxes on macOS get. */
export interface MacRuntimes {
  /** Folders of theirs, and what they need besides. */
  readonly folders: readonly string[];
  /** Programs that stand alone in a folder where other things live too. */
  readonly executables: readonly string[];
  /** Links by which the server finds them, and scripts may name them. */
  readonly links: readonly string[];
  /** What goes in front of PATH. */
  readonly path: readonly string[];
  /** Commands that a sandbox makes in a folder of its own, and where they lead. */
  readonly commands: Readonly<Record<string, string>>;
}

/** Apple's command line tools have a Python; the command in /usr/bin only asks for them. */
const COMMAND_LINE_TOOLS = '/Library/Developer/CommandLineTools/usr/bin';

export function findMacRuntimes(search: RuntimeSearch): MacRuntimes {
  const path = [search.path, COMMAND_LINE_TOOLS].join(delimiter);
  const folders: string[] = [];
  const executables: string[] = [];
  const bins: string[] = [];
  const commands: Record<string, string> = {};
  for (const language of [python, node]) {
    const { name, executable } = language;
    const prefix = findPrefix(language, { ...search, path });
    const found = prefix === null ? single(language.executable, search) : join(prefix, 'bin', executable);
    if (found === null) continue;
    if (prefix === null) executables.push(found);
    else {
      folders.push(
        ...neededBy(prefix)
          .filter((folder) => existsSync(folder))
          .map(realPath),
      );
      bins.push(join(prefix, 'bin'));
    }
    commands[executable] = found;
    if (name === 'python') commands.python = found;
  }
  const named = [python, node].flatMap(({ executable }) => onPath(executable, path).slice(0, 1));
  return { folders, executables, links: named.flatMap(linkHops), path: bins, commands };
}

/** Homebrew's programs have their libraries beside them, by way of links in `opt`; the rest of its folder is not theirs. */
export function neededBy(prefix: string): string[] {
  const brew = /^(.*)\/Cellar\//.exec(prefix)?.[1];
  if (brew === undefined) return [prefix];
  return ['Cellar', 'opt', 'lib', 'etc/openssl@3', 'etc/ca-certificates'].map((name) => join(brew, name));
}

/** Node as its own installer puts it into /usr/local/bin: one file, which needs no other. */
function single(executable: string, { path, execPath }: RuntimeSearch): string | null {
  if (executable !== node.executable) return null;
  const [found] = [...onPath(executable, path), ...(basename(execPath) === executable ? [execPath] : [])];
  return found === undefined ? null : realPath(found);
}

function onPath(executable: string, path: string): string[] {
  return path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder) && dirname(folder) !== folder)
    .map((folder) => join(folder, executable))
    .filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // whatever the reason, it is none that we could run
  }
}
