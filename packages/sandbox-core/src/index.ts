export * from './archive/index.js';
export * from './config/index.js';
export * from './contract/index.js';
export * from './execution/index.js';
export * from './factory/index.js';
export * from './managed/index.js';
export * from './runner/index.js';
export * from './solution/index.js';
