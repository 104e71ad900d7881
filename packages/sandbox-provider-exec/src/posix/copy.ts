import { quote } from './shell.js';

/** The solution's own files may be read-only; the copies are the program's to change. */
export function copyScript(solution: string, workspace: string): string {
  return `cp -R -P -- ${quote(`${solution}/.`)} ${quote(`${workspace}/`)} && chmod -R u+rwX -- ${quote(workspace)}`;
}
