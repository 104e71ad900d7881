export { checkedArchive } from './check.js';
export { packFolder, type PackOptions } from './pack.js';
export { putInto } from './put.js';
