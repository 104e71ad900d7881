import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderPorts, SandboxConfig } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { claims, opens } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';

/** Meets what goes wrong in a preparation in its own way. */
abstract class FailsOtherwise extends SandboxExecProvider {
  constructor(protected readonly ports_: ProviderPorts) {
    super(ports_);
  }

  override async prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    return super.prepare(solutionId, path, config).catch((error: unknown) => this.failed(error, config));
  }

  protected abstract failed(error: unknown, config: SandboxConfig): Promise<string>;
}

class LeavesAFolder extends FailsOtherwise {
  protected override async failed(error: unknown, { instanceId, sandboxId }: SandboxConfig): Promise<never> {
    await mkdir(join(this.ports_.stateDir, instanceId, sandboxId), { recursive: true });
    throw error;
  }
}

class ThrowsAnythingWhenCancelled extends FailsOtherwise {
  protected override async failed(error: unknown, { signal }: SandboxConfig): Promise<never> {
    throw signal?.aborted === true ? new Error('aborted') : error;
  }
}

class PreparesWithoutASolution extends SandboxExecProvider {
  override async prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    if (!existsSync(path)) await mkdir(path);
    return super.prepare(solutionId, path, config);
  }
}

class RemembersFailedOnes extends FailsOtherwise {
  readonly #failed = new Set<string>();

  protected override async failed(error: unknown, { sandboxId }: SandboxConfig): Promise<never> {
    this.#failed.add(sandboxId);
    throw error;
  }
  override async cleanup(sandboxId: string): Promise<boolean> {
    const known = this.#failed.delete(sandboxId);
    return (await super.cleanup(sandboxId)) || known;
  }
}

/** Goes on with a preparation that was cancelled. */
class IgnoresSignals extends SandboxExecProvider {
  constructor(
    ports: ProviderPorts,
    private readonly unless: (signal: AbortSignal) => boolean,
  ) {
    super(ports);
  }

  override prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    const { signal, ...others } = config;
    return super.prepare(solutionId, path, signal !== undefined && this.unless(signal) ? config : others);
  }
}

class KnowsReadyOnesAlone extends SandboxExecProvider {
  readonly #ready = new Set<string>();

  override async prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    const id = await super.prepare(solutionId, path, config);
    this.#ready.add(id);
    return id;
  }
  override async cleanup(sandboxId: string): Promise<boolean> {
    return this.#ready.has(sandboxId) ? super.cleanup(sandboxId) : false;
  }
}

class WaitsForPreparations extends SandboxExecProvider {
  readonly #preparing = new Map<string, Promise<string>>();

  override prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    const slow = new Promise((resolve) => setTimeout(resolve, 6000));
    const prepared = super.prepare(solutionId, path, config).finally(() => config.signal && slow);
    this.#preparing.set(config.sandboxId, prepared);
    return prepared;
  }
}

/** Prepares with its own image, whatever image it is asked for. */
const claimsImages = claims((found) => ({ ...found, images: true }));

const missing = /of a solution that does not exist is refused/;
const cancelled = /that is cancelled by its signal ends at once/;

provesThatTheSuiteCatches([
  {
    that: 'prepares a solution that does not exist',
    create: (ports) => new PreparesWithoutASolution(ports),
    caughtBy: missing,
    message: /A solution folder that does not exist is refused/,
  },
  {
    that: 'prepares a solution for which there is no room',
    create: opens((template) => ({ ...template, limits: { ...template.limits, diskBytes: 2 ** 30 } })),
    caughtBy: /of a solution that does not fit onto the disk/,
    message: /A solution whose copy does not fit is refused/,
    rootOnly: true,
  },
  {
    that: 'leaves something of a preparation that failed',
    create: (ports) => new LeavesAFolder(ports),
    caughtBy: missing,
    message: /Remove each of these before cleanup\(\) \(or a failed prepare\(\)\) settles/,
  },
  {
    that: 'still knows a sandbox whose preparation failed',
    create: (ports) => new RemembersFailedOnes(ports),
    caughtBy: missing,
    message: /A sandbox whose preparation failed is unknown/,
  },
  {
    that: 'claims images and has one',
    create: claimsImages,
    caughtBy: /of an image that is not there is refused/,
    message: /never take another in its place/,
    claimed: false,
  },
  {
    that: 'prepares though it was cancelled before',
    create: (ports) => new IgnoresSignals(ports, (signal) => !signal.aborted),
    caughtBy: /with a signal that was aborted before/,
    message: /prepare\(\) with an aborted signal is refused with SANDBOX011/,
  },
  {
    that: 'goes on with a preparation that is cancelled',
    create: (ports) => new IgnoresSignals(ports, (signal) => signal.aborted),
    caughtBy: cancelled,
    message: /The signal ends a preparation that is under way/,
  },
  {
    that: 'ends a preparation that is cancelled, but late',
    create: (ports) => new WaitsForPreparations(ports),
    caughtBy: cancelled,
    message: /A prepare\(\) that is cancelled after \d+ ms settles/,
  },
  {
    that: 'leaves something of a preparation that was cancelled',
    create: (ports) => new LeavesAFolder(ports),
    caughtBy: cancelled,
    message: /nothing of a sandbox is left/,
  },
  {
    that: 'throws anything when a preparation is cancelled',
    create: (ports) => new ThrowsAnythingWhenCancelled(ports),
    caughtBy: cancelled,
    message: /A cancelled prepare\(\) rejects with a SandboxError/,
  },
  {
    that: 'does not know a sandbox that is being prepared',
    create: (ports) => new KnowsReadyOnesAlone(ports),
    caughtBy: /during which cleanup\(\) comes/,
    message: /A sandbox that is being prepared is known/,
  },
]);
