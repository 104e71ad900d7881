import { setTimeout as delay } from 'node:timers/promises';
import { SandboxError } from '@ergon/sandbox-core';
import type {
  ExecuteOptions,
  OutputChunk,
  ProviderCapabilities,
  ProviderProbe,
  SandboxConfig,
} from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { claims } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';

/** Claims something besides, which it cannot do. */
abstract class Claims extends SandboxExecProvider {
  protected abstract claim(found: ProviderCapabilities): Partial<ProviderCapabilities>;

  override async probe(): Promise<ProviderProbe> {
    const found = await super.probe();
    if (!found.available) return found;
    return { available: true, capabilities: { ...found.capabilities, ...this.claim(found.capabilities) } };
  }
}

/** Looks at the clock now and then, and seldom. */
class EndsMuchLater extends Claims {
  protected override claim({ limits }: ProviderCapabilities): Partial<ProviderCapabilities> {
    return { limits: { ...limits, 'wall-time': 'best-effort' } };
  }
  override execute(
    sandboxId: string,
    command: readonly string[],
    options: ExecuteOptions,
  ): AsyncGenerator<OutputChunk, void, undefined> {
    return super.execute(sandboxId, command, { ...options, timeoutMs: options.timeoutMs + 16_000 });
  }
}

class ClaimsARuntime extends Claims {
  protected override claim(): Partial<ProviderCapabilities> {
    return { runtimes: ['runsc'] };
  }
  override prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    if (config.runtime === undefined) return super.prepare(solutionId, path, config);
    throw new SandboxError('SANDBOX011', `The runtime "${config.runtime}" does not start.`);
  }
}

class WaitsWhateverTheSignal extends SandboxExecProvider {
  override async probe(signal?: AbortSignal): Promise<ProviderProbe> {
    if (signal !== undefined) await delay(5000);
    return super.probe();
  }
}

/** Takes a probe that was cut short for an engine that does not answer. */
class RemembersAbortedProbes extends SandboxExecProvider {
  #aborted = false;

  override async probe(signal?: AbortSignal): Promise<ProviderProbe> {
    this.#aborted ||= signal?.aborted === true;
    return this.#aborted
      ? { available: false, reason: 'The engine does not answer.', fix: 'Start the engine.' }
      : super.probe();
  }
}

const another = process.arch === 'arm64' ? 'linux/x64' : 'linux/arm64';

provesThatTheSuiteCatches([
  {
    that: 'ends runs long after their deadline, and calls that best effort',
    create: (ports) => new EndsMuchLater(ports),
    caughtBy: /wall-time: the deadline counts/,
    message: /A run is ended when its time since the phase `started` is over, at most 14200 ms late/,
  },
  {
    that: 'claims a runtime that does not start',
    create: (ports) => new ClaimsARuntime(ports),
    caughtBy: /programs run with each runtime that is claimed/,
    message: /prepare\(\) does not fail[^]*The runtime .+ does not start/,
    claimed: false,
  },
  {
    that: 'claims a platform that its programs do not see',
    create: claims(({ platforms, ...found }) => ({ ...found, platforms: [...platforms, another] })),
    caughtBy: /programs run on the platforms that are claimed/,
    message: /A sandbox is of the platform that was asked for/,
  },
  {
    that: 'claims to be a virtual machine and is none',
    create: claims((found) => ({ ...found, isolation: 'virtual-machine' })),
    caughtBy: /a virtual machine has a kernel of its own/,
    message: /does not run on the kernel of the host/,
    claimed: false,
  },
  {
    that: 'does not end a probe that is aborted',
    create: (ports) => new WaitsWhateverTheSignal(ports),
    caughtBy: /probe\(\) ends soon when it is aborted/,
    message: /An aborted probe\(\) settles/,
  },
  {
    that: 'takes an aborted probe for an answer',
    create: (ports) => new RemembersAbortedProbes(ports),
    caughtBy: /probe\(\) ends soon when it is aborted/,
    message: /An aborted probe\(\) changes nothing/,
  },
]);
