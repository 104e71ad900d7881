import { accessSync, closeSync, constants, existsSync, openSync, readSync, readdirSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import type { Runtime } from './runtime.js';

interface Language {
  readonly name: string;
  readonly executables: readonly string[];
  /** Folders below a home that hold one folder for each version. */
  readonly versionFolders: readonly string[];
  /** What a folder has, besides bin, that is a runtime's own and not a place where many things are installed. */
  readonly landmark: RegExp;
  readonly landmarkFolder: string;
}

const languages: readonly Language[] = [
  {
    name: 'python',
    executables: ['python3'],
    versionFolders: [
      '.pyenv/versions',
      '.local/share/uv/python',
      '.local/share/mise/installs/python',
      '.asdf/installs/python',
    ],
    landmark: /^python3(\.\d+)?$/,
    landmarkFolder: 'lib',
  },
  {
    name: 'node',
    executables: ['node'],
    versionFolders: [
      '.nvm/versions/node',
      '.local/share/mise/installs/node',
      '.asdf/installs/nodejs',
      '.volta/tools/image/node',
    ],
    landmark: /^node$/,
    landmarkFolder: 'include',
  },
];

/** Where the server finds programs. */
export interface RuntimeSearch {
  readonly home: string;
  /** The server's PATH. */
  readonly path: string;
  /** The server's own executable: there is always one Node. */
  readonly execPath: string;
}

export interface FoundRuntimes {
  /** What is outside of /usr and has to be bound. */
  readonly bound: readonly Runtime[];
  /** Names of all that programs can use. */
  readonly names: readonly string[];
}

/**
 * The runtimes that sandboxes get: those in /usr, which every sandbox sees; for a language that is not there, what is on the server's
 * PATH, or else the newest that a version manager (pyenv, uv, nvm, mise, asdf, volta) keeps below the home folder. Shims are not
 * followed, since they are scripts that need their manager's folders: the real prefix is taken.
 */
export function findRuntimes(search: RuntimeSearch): FoundRuntimes {
  const bound: Runtime[] = [];
  const names = ['shell'];
  for (const language of languages) {
    const inUsr = language.executables.some((name) =>
      ['/usr/local/bin', '/usr/bin'].some((folder) => isInUsr(join(folder, name))),
    );
    const prefix = inUsr ? null : findPrefix(language, search);
    if (prefix !== null) bound.push({ name: language.name, source: prefix, target: `/runtimes/${language.name}` });
    if (inUsr || prefix !== null) names.push(language.name);
  }
  return { bound, names };
}

/** True for an executable in /usr that is still there when nothing but /usr (and /etc/alternatives) is. */
function isInUsr(path: string): boolean {
  const target = resolved(path);
  return target?.startsWith('/usr/') === true && isExecutable(target);
}

function findPrefix(language: Language, { home, path, execPath }: RuntimeSearch): string | null {
  const onPath = path
    .split(delimiter)
    .filter(isAbsolute)
    .flatMap((folder) => language.executables.map((name) => join(folder, name)));
  const kept = language.versionFolders.flatMap((folder) =>
    versionsIn(join(home, folder)).map((version) => join(version, 'bin', language.executables[0] ?? '')),
  );
  const candidates = [...onPath, ...kept, ...(language.executables.includes(basename(execPath)) ? [execPath] : [])];
  for (const candidate of candidates) {
    const executable = resolved(candidate);
    if (executable === null || !isExecutable(executable) || isScript(executable)) continue;
    const prefix = dirname(dirname(executable));
    if (basename(dirname(executable)) === 'bin' && isRuntimePrefix(prefix, language, home)) return prefix;
  }
  return null;
}

/** Never a folder where other things live too: a home, ~/.local, /opt, the root. */
function isRuntimePrefix(prefix: string, { landmark, landmarkFolder }: Language, home: string): boolean {
  const shared = ['/', '/opt', '/usr', '/usr/local', home, join(home, '.local'), resolved(home), dirname(home)];
  if (shared.includes(prefix)) return false;
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

function resolved(path: string): string | null {
  try {
    return realpathSync(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // whatever the reason, it is none that we could run
  }
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
