export { archivePath } from './entry.js';
export type { ArchiveEntry } from './entry.js';
export { otherArchive } from './format.js';
export { readTar } from './read-tar.js';
export type { TarBounds, UnfitEntry } from './read-tar.js';
export { writeTar } from './write-tar.js';
