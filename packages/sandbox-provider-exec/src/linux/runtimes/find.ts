import { join } from 'node:path';
import { findPrefix, isExecutable, node, python, resolved, type RuntimeSearch } from '../../posix/runtimes.js';
import type { Runtime } from './runtime.js';

export interface FoundRuntimes {
  /** What is outside of /usr and has to be bound. */
  readonly bound: readonly Runtime[];
  /** Names of all that programs can use. */
  readonly names: readonly string[];
  /** What the command `python` has to lead to; null: there is one, or no Python at all. */
  readonly pythonLink: string | null;
}

/** The runtimes that sandboxes get: those in /usr, which every sandbox sees; for a language that is not there, what is found elsewhere. */
export function findRuntimes(search: RuntimeSearch): FoundRuntimes {
  const bound: Runtime[] = [];
  const names = ['shell'];
  let pythonLink: string | null = null;
  for (const language of [python, node]) {
    const { name, executable } = language;
    const inUsr = usrFolders.map((folder) => join(folder, executable)).find(isInUsr);
    const prefix = inUsr === undefined ? findPrefix(language, search) : null;
    if (prefix !== null) bound.push({ name, source: prefix, target: `/runtimes/${name}` });
    if (inUsr === undefined && prefix === null) continue;
    names.push(name);
    const hasPython = [...usrFolders, ...(prefix === null ? [] : [join(prefix, 'bin')])].some((folder) =>
      isExecutable(join(folder, 'python')),
    );
    if (name === 'python' && !hasPython) pythonLink = inUsr ?? `/runtimes/${name}/bin/${executable}`;
  }
  return { bound, names, pythonLink };
}

const usrFolders = ['/usr/local/bin', '/usr/bin'];

/** True for an executable in /usr that is still there when nothing but /usr (and /etc/alternatives) is. */
function isInUsr(path: string): boolean {
  const target = resolved(path);
  return target?.startsWith('/usr/') === true && isExecutable(target);
}
