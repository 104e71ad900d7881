import type { ProviderCapabilities, ProviderProbe, Refusal, SandboxConfig, SandboxProvider } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { claims } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';
import type { Create } from './support/run-suite.js';

/** It checks in its own way. */
function checks(check: SandboxProvider['check']): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      override check(config: SandboxConfig, probe: ProviderProbe): readonly Refusal[] {
        return check(config, probe);
      }
    })(ports);
}

class HasABadName extends SandboxExecProvider {
  override readonly name: 'sandbox-exec' = 'My Sandbox' as 'sandbox-exec';
}

class ThrowsFromItsProbe extends SandboxExecProvider {
  override async probe(): Promise<ProviderProbe> {
    throw new Error('connect ENOENT /run/engine.sock');
  }
}

class IsNotAvailable extends SandboxExecProvider {
  override async probe(): Promise<ProviderProbe> {
    return { available: false, reason: 'The engine does not answer.', fix: 'Start the engine.' };
  }
}

class AnswersOnce extends SandboxExecProvider {
  #asked = 0;

  override async probe(): Promise<ProviderProbe> {
    if (this.#asked++ > 0) return { available: false, reason: 'It is being probed.', fix: 'Wait.' };
    return super.probe();
  }
}

class SaysItIsNotAvailable extends SandboxExecProvider {
  override async isAvailable(): Promise<boolean> {
    return false;
  }
}

/** Answers by what it found last, whatever probe it is asked about. */
class ChecksByItsMemory extends SandboxExecProvider {
  #found: ProviderProbe | null = null;

  override async probe(): Promise<ProviderProbe> {
    return (this.#found = await super.probe());
  }
  override check(config: SandboxConfig, probe: ProviderProbe): readonly Refusal[] {
    return super.check(config, this.#found ?? probe);
  }
}

const shape = /probe\(\) tells capabilities of the right shape/;

provesThatTheSuiteCatches([
  {
    that: 'has no wire name',
    create: (ports) => new HasABadName(ports),
    caughtBy: /is recognised by its brand, and has a wire name/,
    message: /Lower-case letters, digits and hyphens/,
  },
  {
    that: 'has no brand',
    create: (ports) => Object.create(null, Object.getOwnPropertyDescriptors(brandless(ports))) as SandboxProvider,
    caughtBy: /is recognised by its brand, and has a wire name/,
    message: /Extend the core's SandboxProvider/,
  },
  {
    that: 'forgets a capability in its probe',
    create: claims(({ tty: _, ...others }) => others as ProviderCapabilities),
    caughtBy: shape,
    message: /The capability tty is true or false/,
  },
  {
    that: 'invents a degree of enforcement',
    create: claims((found) => ({ ...found, limits: { ...found.limits, cpu: 'soft' as 'none' } })),
    caughtBy: shape,
    message: /Of the limit cpu it is said how well it is kept/,
  },
  {
    that: 'throws where its technology is absent',
    create: (ports) => new ThrowsFromItsProbe(ports),
    caughtBy: shape,
    message: /probe\(\) does not fail[^]*connect ENOENT[^]*\{ available: false, reason, fix \}/,
  },
  {
    that: 'is not available where it is tested',
    create: (ports) => new IsNotAvailable(ports),
    caughtBy: shape,
    message: /The provider is available where its tests run[^]*The engine does not answer/,
  },
  {
    that: 'cannot be probed again',
    create: (ports) => new AnswersOnce(ports),
    caughtBy: /probe\(\) can be asked again/,
    message: /Each probe tells the same claims/,
  },
  {
    that: 'says of itself that it is not available',
    create: (ports) => new SaysItIsNotAvailable(ports),
    caughtBy: /probe\(\) can be asked again/,
    message: /isAvailable\(\) says what probe\(\) says/,
  },
  {
    that: 'refuses what it claims',
    create: checks(() => [{ field: 'memory_limit', message: 'It is too large for this provider.' }]),
    caughtBy: /check\(\) has nothing against what the probe claims/,
    message: /A configuration that asks for what is claimed is not refused/,
  },
  {
    that: 'accepts everything',
    create: checks(() => []),
    caughtBy: /check\(\) refuses each thing that is not claimed/,
    message: /What is not claimed \(network\) is refused by check\(\)/,
  },
  {
    that: 'refuses without a sentence',
    create: checks((config) => (config.gpus === undefined ? [{ field: 'network', message: '' }] : [])),
    caughtBy: /check\(\) refuses each thing that is not claimed/,
    message: /with the field and a sentence/,
  },
  {
    that: 'checks by what it remembers',
    create: (ports) => new ChecksByItsMemory(ports),
    caughtBy: /check\(\) is pure/,
    message: /Read the capabilities from the second argument/,
  },
]);

/** An object with the methods of the contract, as a package without the core's classes would have it. */
function brandless(ports: ConstructorParameters<typeof SandboxExecProvider>[0]): Partial<SandboxProvider> {
  const provider = new SandboxExecProvider(ports);
  return {
    name: provider.name,
    probe: () => provider.probe(),
    cleanup: (sandboxId) => provider.cleanup(sandboxId),
    [Symbol.asyncDispose]: () => provider[Symbol.asyncDispose](),
  };
}
