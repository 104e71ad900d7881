import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode, isInstanceAlive, newInstanceId, SandboxFactory, SandboxRunner } from '@ergon/sandbox-core';
import type { Logger, SolutionRegistry, StoredSolution } from '@ergon/sandbox-core';
import dockerProvider from '@ergon/sandbox-provider-docker';
import execProvider from '@ergon/sandbox-provider-exec';
import { complain } from '../output/words.js';
import { makeStateFolder } from './state.js';

const ignore = (): void => {};
/** Only what a person has to know. */
const logger: Logger = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: (message, fields) => complain(`${message}.`, typeof fields?.error === 'string' ? fields.error : null),
};

/** The providers of this machine, over a folder for what they keep. */
export async function localFactory(stateDir: string): Promise<SandboxFactory> {
  const factory = new SandboxFactory({ logger });
  await factory.add(execProvider, {}, { logger, stateDir });
  await factory.add(dockerProvider, { images: imagesOf(process.env.ERGON_SANDBOX_IMAGES ?? '') }, { logger, stateDir });
  return factory;
}

/** `python=IMAGE,node=IMAGE,…`, as the server takes it; the provider checks what they name. */
function imagesOf(text: string): Readonly<Record<string, string>> {
  const pairs = text.split(',').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair): [string, string] => {
      const [name = '', ...image] = pair.trim().split('=');
      return [name, image.join('=')];
    }),
  );
}

export async function closeFactory(factory: SandboxFactory): Promise<void> {
  for (const provider of factory.providers) await provider[Symbol.asyncDispose]();
}

/** A runner for this process alone, whose folder goes with it. */
export class LocalRunner implements AsyncDisposable {
  private constructor(
    readonly runner: SandboxRunner,
    private readonly factory: SandboxFactory,
    private readonly folder: string,
    private readonly reclaiming: Promise<void>,
  ) {}

  /** Runs one solution. What killed runs left is removed meanwhile. */
  static async open(solution: StoredSolution): Promise<LocalRunner> {
    const state = await makeStateFolder();
    const folder = join(state, newInstanceId());
    await mkdir(folder, { mode: 0o700 });
    try {
      const { runner, factory } = await startRunner(folder, { ...noRegistry, getSolution: async () => solution });
      return new LocalRunner(runner, factory, folder, reclaimKilled(state));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reclaiming;
    await closeAndRemove(this.runner, this.factory, this.folder);
  }
}

const noRegistry: SolutionRegistry = { getSolution: async () => null, recordTestResult: async () => {} };

async function startRunner(
  dataDir: string,
  registry: SolutionRegistry,
): Promise<{ runner: SandboxRunner; factory: SandboxFactory }> {
  const factory = await localFactory(join(dataDir, 'sandboxes'));
  try {
    // Its folder goes with it, and nobody would find a volume again.
    const options = { dataDir, registry, factory, logger, keepsVolumes: false };
    return { runner: await SandboxRunner.start(options), factory };
  } catch (error) {
    await closeFactory(factory);
    throw error;
  }
}

/** What could not be removed stays named in the folder, which then stays for the next time. */
async function closeAndRemove(runner: SandboxRunner, factory: SandboxFactory, folder: string): Promise<void> {
  await runner.close();
  await closeFactory(factory);
  if ((await readdir(join(folder, 'sandboxes'))).length === 0) await rm(folder, { recursive: true, force: true });
}

/** A runner that starts on a folder removes what a dead one left on it. */
async function reclaimKilled(state: string): Promise<void> {
  for (const name of await readdir(state)) {
    if (isInstanceAlive(name) === true) continue;
    const folder = join(state, name);
    try {
      const { runner, factory } = await startRunner(folder, noRegistry);
      await closeAndRemove(runner, factory, folder);
    } catch (error) {
      // Another run, which cannot be seen from here or looks for leftovers too, has it, or had.
      if (!hasErrorCode(error, 'SANDBOX001') && !hasErrorCode(error, 'ENOENT')) throw error;
    }
  }
}
