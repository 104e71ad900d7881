export { NamedVolumes, type NamedVolume, type VolumeClaim } from './named-volumes.js';
export { assertVolumes } from './names.js';
export { volumeOptions } from './options.js';
export { VolumeWatch } from './volume-watch.js';
