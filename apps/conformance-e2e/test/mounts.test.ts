import { rm } from 'node:fs/promises';
import type { SandboxConfig, SandboxMount } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { opens } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';

class StartsWithoutMounts extends SandboxExecProvider {
  override async prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    return super
      .prepare(solutionId, path, config)
      .catch(() => super.prepare(solutionId, path, { ...config, mounts: [] }));
  }
}

/** Takes what was mounted for its own. */
class RemovesSources extends SandboxExecProvider {
  readonly #mounts = new Map<string, readonly SandboxMount[]>();

  override prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    this.#mounts.set(config.sandboxId, config.mounts);
    return super.prepare(solutionId, path, config);
  }
  override async cleanup(sandboxId: string): Promise<boolean> {
    const cleaned = await super.cleanup(sandboxId);
    for (const { source } of this.#mounts.get(sandboxId) ?? []) {
      if ('folder' in source) await rm(source.folder, { recursive: true, force: true });
    }
    return cleaned;
  }
}

provesThatTheSuiteCatches([
  {
    that: 'claims mounts and makes none',
    create: opens((template) => ({ ...template, mounts: [] })),
    caughtBy: /folders and archives are at their targets/,
    message: /A mount is at its target with all of its files/,
  },
  {
    that: 'starts without a mount that could not be made',
    create: (ports) => new StartsWithoutMounts(ports),
    caughtBy: /a source that fails, or is not there/,
    message: /A mount that cannot be made makes prepare\(\) fail/,
  },
  {
    that: 'puts a mount elsewhere where its target is not allowed',
    create: opens((template) => ({
      ...template,
      mounts: template.mounts.map((mount, index) => ({ ...mount, target: `/layers/m${index}` })),
    })),
    caughtBy: /a target below a folder that a program can write/,
    message: /Allow flat, fixed targets/,
  },
  {
    that: 'removes the folders that were mounted',
    create: (ports) => new RemovesSources(ports),
    caughtBy: /two sandboxes may have the same/,
    message: /Unmount, never remove, what was bound/,
  },
]);
