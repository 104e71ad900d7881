#!/usr/bin/env node
import { isSandboxError, sentenceOf } from '@ergon/sandbox-core';
import { readConfig, settingNames, unknownVariables } from './config/config.js';
import { helpText, readOptions } from './config/options.js';
import { createContainer } from './container.js';
import { consoleLogger } from './logging/logger.js';
import { ownVersion } from './package-dir.js';
import { startServer } from './server.js';
import { tokens } from './tokens.js';

/** An ordered end that takes longer than this has got stuck, in ms. The next start removes what it leaves. */
const shutdownMs = 60_000;
/** That another start with the same configuration would fail as well (EX_CONFIG of sysexits.h). */
const badConfiguration = 78;

/** Resolves at the first signal to end; later ones change nothing, so that an ordered end is never broken off half-way. */
const endAsked = new Promise<NodeJS.Signals>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => resolve(signal));
});

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  const { help, version } = readOptions(argv);
  if (help === true || version === true) {
    process.stdout.write(help === true ? helpText(settingNames) : `${ownVersion()}\n`);
    return;
  }
  const config = readConfig(process.env, argv);
  const logger = consoleLogger(config.logLevel, process.stdout.isTTY);
  const unknown = unknownVariables(process.env);
  if (unknown.length > 0) logger.warn('These variables are set and not known here', { variables: unknown });
  const container = createContainer(config, logger);
  const server = await startServer(container);
  logger.info(`Listening on ${server.url}`, { url: server.url, dataDir: config.dataDir });
  const providers = Object.entries(await container.resolve(tokens.factory).status());
  const level = providers.some(([, { available }]) => available) ? 'info' : 'warn';
  for (const [provider, { reason }] of providers) {
    if (reason !== null) logger[level]('A provider is not available', { provider, reason });
  }
  const crash = (error: unknown): void => {
    logger.error('The server failed and ends', { error });
    process.exitCode = 1;
    process.emit('SIGTERM', 'SIGTERM');
  };
  process.on('uncaughtException', crash); // a rejection that nobody handles, too
  logger.info('Shutting down', { signal: await endAsked });
  setTimeout(() => {
    logger.error('The shutdown got stuck');
    process.exit(1);
  }, shutdownMs).unref();
  await server.close();
  logger.info('Stopped');
}

main().catch((error: unknown) => {
  // A known fault of the configuration is a sentence; anything else is ours, and needs its stack.
  const text = isSandboxError(error)
    ? `${error.message} (${error.code})`
    : error instanceof Error
      ? error.stack
      : sentenceOf(error);
  process.stderr.write(`${text ?? 'The server failed'}\n`);
  process.exitCode = isSandboxError(error) && error.code === 'SANDBOX008' ? badConfiguration : 1;
});
