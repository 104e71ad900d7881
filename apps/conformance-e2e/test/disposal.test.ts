import { readdir } from 'node:fs/promises';
import type { ExecuteOptions, OutputChunk, ProviderPorts, SandboxConfig } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { provesThatTheSuiteCatches } from './support/caught.js';

class DisposesOfWhatRanAlone extends SandboxExecProvider {
  readonly #ran = new Set<string>();

  override execute(
    sandboxId: string,
    command: readonly string[],
    options: ExecuteOptions,
  ): AsyncGenerator<OutputChunk, void, undefined> {
    this.#ran.add(sandboxId);
    return super.execute(sandboxId, command, options);
  }
  override async [Symbol.asyncDispose](): Promise<void> {
    for (const sandboxId of this.#ran) await this.cleanup(sandboxId);
  }
}

class DisposesOfIdleOnes extends SandboxExecProvider {
  readonly #preparing = new Set<string>();

  override async prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    this.#preparing.add(config.sandboxId);
    return super.prepare(solutionId, path, config).finally(() => this.#preparing.delete(config.sandboxId));
  }
  override async cleanup(sandboxId: string): Promise<boolean> {
    return this.#preparing.has(sandboxId) ? true : super.cleanup(sandboxId);
  }
}

class ReclaimsAll extends SandboxExecProvider {
  constructor(private readonly given: ProviderPorts) {
    super(given);
  }

  override async reclaim(): Promise<number> {
    let found = 0;
    for (const instanceId of await readdir(this.given.stateDir)) found += await super.reclaim(instanceId);
    return found;
  }
}

class ReclaimsNothing extends SandboxExecProvider {
  override async reclaim(): Promise<number> {
    return 0;
  }
}

class CountsProcesses extends SandboxExecProvider {
  override async reclaim(instanceId: string | null): Promise<number> {
    return 4 * (await super.reclaim(instanceId));
  }
}

const left = /After cleanup\(\) nothing of a sandbox is left/;

provesThatTheSuiteCatches([
  {
    that: 'leaves idle sandboxes when it is disposed of',
    create: (ports) => new DisposesOfWhatRanAlone(ports),
    caughtBy: /asyncDispose\]\(\) removes every sandbox/,
    message: left,
  },
  {
    that: 'leaves what is being prepared when it is disposed of',
    create: (ports) => new DisposesOfIdleOnes(ports),
    caughtBy: /asyncDispose\]\(\) removes every sandbox/,
    message: left,
  },
  {
    that: "removes a living server's sandboxes with a dead one's",
    create: (ports) => new ReclaimsAll(ports),
    caughtBy: /reclaim\(\) of an instance that nobody knows removes nothing/,
    message: /Remove only what carries exactly the instance id/,
  },
  {
    that: 'does not find what a dead server left',
    create: (ports) => new ReclaimsNothing(ports),
    caughtBy: /reclaim\(\) removes what another provider object left/,
    message: /reclaim\(\) says how many sandboxes had something left/,
  },
  {
    that: 'counts other things than sandboxes in what a dead server left',
    create: (ports) => new CountsProcesses(ports),
    caughtBy: /reclaim\(\) removes what another provider object left/,
    message: /Count them by their ids/,
  },
]);
