export { type DiskUse, Keeper, type KeeperOptions } from './keeper.js';
export { OpenFiles, type OpenFilesOptions } from './open-files.js';
export { SandboxDisk, useOfAll } from './sandbox-disk.js';
export { BYTES_PER_FILE, look, watchDisk, watchUntil } from './watch.js';
export { probeVolumeSize, sizedVolumeOptions } from './volume-size.js';
