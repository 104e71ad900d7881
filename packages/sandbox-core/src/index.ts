export * from './contract/index.js';
export * from './managed/index.js';
