import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode, SandboxError } from '../contract/error.js';
import type { SandboxProvider } from '../contract/provider.js';
import type { Volume } from '../contract/volumes.js';
import type { SandboxFactory } from '../factory/factory.js';

/** A volume, and who keeps it. */
export interface StoredVolume extends Volume {
  readonly provider: string;
}

/** The volumes of one data folder, which their providers keep. The folder holds its name, and those of the providers that were asked for any. */
export class VolumeStore {
  private constructor(
    private readonly folder: string,
    readonly storeId: string,
    private readonly ports: { readonly factory: SandboxFactory; readonly ownerId: string },
  ) {}

  /** @throws SandboxError SANDBOX008 for a name that is damaged */
  static async open(
    folder: string,
    ports: { readonly factory: SandboxFactory; readonly ownerId: string },
  ): Promise<VolumeStore> {
    await mkdir(providersBelow(folder), { recursive: true, mode: 0o700 });
    return new VolumeStore(folder, await nameOf(folder), ports);
  }

  /** Notes, before a provider makes a volume, that it may have some. */
  async note(provider: string): Promise<void> {
    await writeFile(join(providersBelow(this.folder), encodeURIComponent(provider)), '');
  }

  async list(options: { solutionId?: string; signal?: AbortSignal }): Promise<readonly StoredVolume[]> {
    const { storeId } = this;
    const { ownerId } = this.ports;
    const lists = (await this.#providers()).map(async (provider) =>
      (await provider.volumes({ storeId, ownerId }, options)).map((volume) => ({ ...volume, provider: provider.name })),
    );
    const key = ({ solutionId, name }: Volume): string => `${solutionId}\0${name}`;
    return (await Promise.all(lists)).flat().sort((one, other) => (key(one) < key(other) ? -1 : 1));
  }

  async remove(solutionId: string, name: string): Promise<void> {
    const { storeId } = this;
    const { ownerId } = this.ports;
    const providers = await this.#providers();
    const outcomes = await Promise.allSettled(
      providers.map(async (provider) => provider.removeVolume({ storeId, ownerId, solutionId, name })),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    if (outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value)) return;
    throw new SandboxError('SANDBOX012', `The solution "${solutionId}" has no volume "${name}".`, { field: 'name' });
  }

  /** Those that may have some. @throws SandboxError SANDBOX001 for one that this server has no longer */
  async #providers(): Promise<readonly SandboxProvider[]> {
    const names = (await readdir(providersBelow(this.folder))).map(decodeURIComponent);
    return names.map((name) => {
      const provider = this.ports.factory.providers.find((each) => each.name === name);
      if (provider !== undefined) return provider;
      const message = `Volumes are kept by the provider "${name}", which this server does not have now. Configure it again.`;
      throw new SandboxError('SANDBOX001', message);
    });
  }
}

const providersBelow = (folder: string): string => join(folder, 'providers');

/** What a store is called is found or made once: with another name its volumes would be nobody's. */
async function nameOf(folder: string): Promise<string> {
  const path = join(folder, 'store');
  try {
    const name = (await readFile(path, 'utf8')).trim();
    if (/^[0-9a-f-]{36}$/.test(name)) return name;
    throw new SandboxError(
      'SANDBOX008',
      `${path} does not name this server's volumes any more. Put back what was in it; without it they can't be found.`,
    );
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
  }
  const name = randomUUID();
  const half = join(folder, `.store-${name}`);
  const file = await open(half, 'wx', 0o600);
  try {
    await file.write(`${name}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(half, path);
  return name;
}
