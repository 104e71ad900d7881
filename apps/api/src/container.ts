import 'reflect-metadata';
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from '@ergon/sandbox-core';
import { hasErrorCode, SandboxError, SandboxFactory, SandboxRunner, sentenceOf } from '@ergon/sandbox-core';
import dockerProvider from '@ergon/sandbox-provider-docker';
import execProvider from '@ergon/sandbox-provider-exec';
import { HttpRegistry, SqliteRegistry } from '@ergon/sandbox-registry';
import type { Registry } from '@ergon/sandbox-registry';
import type { DependencyContainer } from 'tsyringe';
import { container as root, instanceCachingFactory } from 'tsyringe';
import type { ServerConfig } from './config/config.js';
import { tokens } from './tokens.js';

/**
 * A container with all of {@link tokens} but the runner, which {@link startRunner} adds. Nothing is opened before it is asked for, so
 * a registration of your own, made before, takes the place of ours entirely.
 */
export function createContainer(config: ServerConfig, logger: Logger): DependencyContainer {
  const container = root.createChildContainer();
  container.register(tokens.config, { useValue: config });
  container.register(tokens.logger, { useValue: logger });
  container.register(tokens.providers, { useValue: [execProvider, dockerProvider] });
  container.register(tokens.registry, {
    useFactory: instanceCachingFactory((): Registry => {
      if (config.registry !== null) return new HttpRegistry(config.registry);
      makeDataDir(config.dataDir);
      return new SqliteRegistry(join(config.dataDir, 'registry.db'));
    }),
  });
  container.register(tokens.factory, {
    useFactory: instanceCachingFactory(() => new SandboxFactory({ logger, prefer: config.prefer })),
  });
  return container;
}

/**
 * Makes the providers and starts the runner over them, and registers it.
 * @throws SandboxError SANDBOX001 (data folder in use), SANDBOX008 (options of a provider)
 */
export async function startRunner(container: DependencyContainer): Promise<SandboxRunner> {
  const { dataDir, providerOptions, images, prefer, maxConcurrent, ceiling } = container.resolve(tokens.config);
  makeDataDir(dataDir);
  const logger = container.resolve(tokens.logger);
  const factory = container.resolve(tokens.factory);
  const definitions = container.resolve(tokens.providers);
  const names = definitions.map(({ name }) => name);
  requireKnown('ERGON_SANDBOX_PROVIDER_OPTIONS', Object.keys(providerOptions), names);
  requireKnown('ERGON_SANDBOX_PREFER', prefer, names);
  for (const definition of definitions) {
    const stateDir = join(dataDir, 'sandboxes');
    const options = providerOptions[definition.name] ?? {};
    await factory.add(definition, definition.name === 'docker' ? withImages(options, images) : options, {
      logger,
      stateDir,
    });
  }
  const registry = container.resolve(tokens.registry);
  const runner = await SandboxRunner.start({ dataDir, registry, factory, logger, maxConcurrent, ceiling });
  container.register(tokens.runner, { useValue: runner });
  return runner;
}

/** Options of the provider with the images that the configuration names; what the options themselves name goes first. */
function withImages(options: unknown, images: Readonly<Record<string, string>>): unknown {
  if (typeof options !== 'object' || options === null) return options; // its schema says what is wrong
  const own: unknown = 'images' in options ? options.images : undefined;
  const merges = own === undefined || (typeof own === 'object' && own !== null && !Array.isArray(own));
  return { ...options, images: merges ? { ...images, ...own } : own };
}

function makeDataDir(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    throw new SandboxError('SANDBOX008', `ERGON_SANDBOX_DATA_DIR: the folder cannot be made: ${sentenceOf(error)}.`, {
      cause: error,
    });
  }
}

/** Folder by folder: Node's own `recursive` never ends below a folder that takes none, such as /proc. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST') && statSync(folder).isDirectory()) return;
    if (!hasErrorCode(error, 'ENOENT') || folder === dirname(folder)) throw error;
    makeFolder(dirname(folder));
    mkdirSync(folder, { mode: 0o700 });
  }
}

function requireKnown(variable: string, given: readonly string[], known: readonly string[]): void {
  const unknown = given.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new SandboxError(
    'SANDBOX008',
    `${variable}: there is no provider "${unknown}"; there is ${known.join(', ') || 'none'}.`,
  );
}
