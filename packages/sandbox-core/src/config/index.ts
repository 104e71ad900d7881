export * from './fields.js';
export * from './limits.js';
export * from './parse.js';
export * from './request.js';
export * from './size.js';
