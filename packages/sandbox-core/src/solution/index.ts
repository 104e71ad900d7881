export { contentWarnings, defaultCommand, isSafePath, parseSolution } from './content.js';
export type { Solution } from './content.js';
