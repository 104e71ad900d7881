import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readSync,
  readdirSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import { SYSTEM_PATH } from './command.js';

/** A language whose runtime programs may need. */
export interface Language {
  readonly name: string;
  readonly executable: string;
  /** Folders below a home that hold one folder for each version. */
  readonly versionFolders: readonly string[];
  /** What a folder has, besides bin, that is a runtime's own and not a place where many things are installed. */
  readonly landmark: RegExp;
  readonly landmarkFolder: string;
}

export const python: Language = {
  name: 'python',
  executable: 'python3',
  versionFolders: [
    '.pyenv/versions',
    '.local/share/uv/python',
    '.local/share/mise/installs/python',
    '.asdf/installs/python',
  ],
  landmark: /^python3(\.\d+)?$/,
  landmarkFolder: 'lib',
};

export const node: Language = {
  name: 'node',
  executable: 'node',
  versionFolders: [
    '.nvm/versions/node',
    '.local/share/mise/installs/node',
    '.asdf/installs/nodejs',
    '.volta/tools/image/node',
  ],
  landmark: /^node$/,
  landmarkFolder: 'include',
};

/** Where the server finds programs. */
export interface RuntimeSearch {
  /** Null: this server's user has none. */
  readonly home: string | null;
  /** The server's PATH. */
  readonly path: string;
  /** The server's own executable: there is always one Node. */
  readonly execPath: string;
  /** Sandboxes run as other users than the server: what only its own user may read is of no use. */
  readonly forOthers: boolean;
}

/** @param forOthers sandboxes run as other users than the server */
export function ownSearch(forOthers: boolean): RuntimeSearch {
  const { env, execPath } = process;
  return { home: ownHome(), path: env.PATH ?? SYSTEM_PATH, execPath, forOthers };
}

/** A user that is in no list of users, as in a container that was given a number, has a home only if a variable names one. */
function ownHome(): string | null {
  try {
    const home = homedir();
    return isAbsolute(home) ? home : null;
  } catch {
    return null;
  }
}

/**
 * The folder of a runtime outside of /usr: what is on the server's PATH, or else the newest that a version manager (pyenv, uv, nvm, mise,
 * asdf, volta) keeps below the home folder. Shims are not followed, since they are scripts that need their manager's folders: the real
 * prefix is taken.
 */
export function findPrefix(language: Language, { home, path, execPath, forOthers }: RuntimeSearch): string | null {
  const { executable: name, versionFolders } = language;
  const onPath = path
    .split(delimiter)
    .filter(isAbsolute)
    .map((folder) => join(folder, name));
  const managed = home === null ? [] : versionFolders.map((folder) => join(home, folder));
  const kept = managed.flatMap(versionsIn).map((version) => join(version, 'bin', name));
  const candidates = [...onPath, ...kept, ...(basename(execPath) === name ? [execPath] : [])];
  for (const candidate of candidates) {
    const executable = resolved(candidate);
    if (executable === null || !isExecutable(executable) || isScript(executable)) continue;
    const prefix = dirname(dirname(executable));
    if (forOthers && ![prefix, dirname(executable), executable].every(isOpenToOthers)) continue;
    if (basename(dirname(executable)) === 'bin' && isRuntimePrefix(prefix, language, home)) return prefix;
  }
  return null;
}

/** Never a folder where other things live too: a home, ~/.local, /opt, the root. */
function isRuntimePrefix(prefix: string, { landmark, landmarkFolder }: Language, home: string | null): boolean {
  const inHome = home === null ? [] : [home, join(home, '.local'), resolved(home), dirname(home)];
  if (['/', '/opt', '/usr', '/usr/local', ...inHome].includes(prefix)) return false;
  const folder = join(prefix, landmarkFolder);
  return existsSync(folder) && readdirSync(folder).some((name) => landmark.test(name));
}

/** Newest first. */
function versionsIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const newestFirst = new Intl.Collator('en', { numeric: true });
  return readdirSync(folder)
    .sort((a, b) => newestFirst.compare(b, a))
    .map((name) => join(folder, name));
}

export function resolved(path: string): string | null {
  try {
    return realpathSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // whatever the reason, it is none that we could run
  }
}

function isOpenToOthers(path: string): boolean {
  return (statSync(path).mode & 0o005) === 0o005;
}

function isScript(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const start = Buffer.alloc(2);
    readSync(file, start, 0, 2, 0);
    return start.toString('latin1') === '#!';
  } finally {
    closeSync(file);
  }
}
