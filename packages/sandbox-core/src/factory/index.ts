export * from './choose.js';
export * from './factory.js';
