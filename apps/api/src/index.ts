import 'reflect-metadata';

export { createApp } from './app.js';
export { readConfig } from './config/config.js';
export type { LogLevel, ServerConfig } from './config/config.js';
export { createContainer, startRunner } from './container.js';
export { consoleLogger } from './logging/logger.js';
export { startServer } from './server.js';
export type { RunningServer } from './server.js';
export { tokens } from './tokens.js';
