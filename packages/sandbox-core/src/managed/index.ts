export * from './managed-provider.js';
export * from './process.js';
