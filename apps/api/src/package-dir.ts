import { dirname } from 'node:path';

/** The application's own folder, in which `dist/` and `package.json` are: above that of its sources, and of what is built of them. */
export const packageDir = dirname(__dirname);
