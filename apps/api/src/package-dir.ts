import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The application's own folder, in which `dist/` and `package.json` are: above that of its sources, and of what is built of them. */
export const packageDir = dirname(__dirname);

/** The application's version, of its package.json. */
export function ownVersion(): string {
  return (JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as { version: string }).version;
}
