import type { ProviderCapabilities, ProviderProbe } from '../contract/capabilities.js';
import type { LimitName, SandboxConfig } from '../contract/config.js';
import { contractVersion } from '../contract/definition.js';
import type { ProviderPorts, SandboxProviderDefinition, StandardSchema } from '../contract/definition.js';
import { SandboxError, sentenceOf } from '../contract/error.js';
import { silentLogger } from '../contract/logger.js';
import type { Logger } from '../contract/logger.js';
import { isSandboxProvider } from '../contract/provider.js';
import type { Refusal, SandboxProvider } from '../contract/provider.js';
import { unmetNeeds } from '../contract/needs.js';
import { fitToMachine, resolveLimits } from '../config/limits.js';
import { fitServices } from '../config/services.js';
import { chooseProvider } from './choose.js';
import type { Candidate, Selection } from './choose.js';
import { ProbeCache } from './probe-cache.js';

export interface SandboxFactoryOptions {
  readonly logger?: Logger;
  /** Providers to take first, before the usual order. */
  readonly prefer?: readonly string[];
  /** Providers without isolation that requests may name. */
  readonly allowUnisolated?: readonly string[];
  /** How long a probe is believed, in ms. @default 10000 */
  readonly probeFreshMs?: number;
  /** @default process.platform */
  readonly platform?: string;
}

/** A wish: everything but what a provider's machine decides. */
export interface ProviderWish {
  readonly config: SandboxConfig;
  readonly requested?: string | undefined;
  readonly strict: boolean;
  readonly asked: ReadonlySet<LimitName>;
}

export interface ProviderStatus {
  readonly available: boolean;
  readonly capabilities: ProviderCapabilities | null;
  /** It would be taken for a solution in Python that asks for nothing. */
  readonly isDefault: boolean;
  /** Why it is not available, and what to do. */
  readonly reason: string | null;
}

/** Knows the providers, whether they work, and which one serves a request. */
export class SandboxFactory {
  readonly #providers = new Map<string, { provider: SandboxProvider; probes: ProbeCache }>();
  readonly #options: Required<SandboxFactoryOptions>;

  constructor(options: SandboxFactoryOptions = {}) {
    this.#options = {
      logger: options.logger ?? silentLogger,
      prefer: options.prefer ?? [],
      allowUnisolated: options.allowUnisolated ?? [],
      probeFreshMs: options.probeFreshMs ?? 10_000,
      platform: options.platform ?? process.platform,
    };
  }

  /** @throws SandboxError SANDBOX008 when the name is taken or the value is no provider. */
  register(provider: SandboxProvider): this {
    if (!isSandboxProvider(provider)) {
      throw new SandboxError('SANDBOX008', 'What was registered is no SandboxProvider.');
    }
    if (this.#providers.has(provider.name)) {
      throw new SandboxError('SANDBOX008', `A provider named "${provider.name}" is registered already.`);
    }
    const probes = new ProbeCache(provider, this.#options.probeFreshMs, this.#options.logger);
    this.#providers.set(provider.name, { provider, probes });
    return this;
  }

  /**
   * Makes a provider from a package's definition, its options checked by its own schema, and registers it.
   * @throws SandboxError SANDBOX008 for options that its schema refuses, or another contract.
   */
  async add<Options>(
    definition: SandboxProviderDefinition<Options>,
    options: unknown,
    ports: ProviderPorts,
  ): Promise<SandboxProvider> {
    const { name, contract } = definition;
    if (typeof definition.create !== 'function') {
      throw new SandboxError(
        'SANDBOX008',
        'This is no provider definition. With require(), take the `default` of its package; a provider that is made already is for register().',
      );
    }
    if (contract !== contractVersion) {
      throw new SandboxError(
        'SANDBOX008',
        `Provider "${name}" is written for contract ${String(contract)}; this core has ${String(contractVersion)}.`,
      );
    }
    if (
      typeof (definition.options as Partial<StandardSchema<Options>> | undefined)?.['~standard']?.validate !==
      'function'
    ) {
      throw new SandboxError(
        'SANDBOX008',
        `The definition of provider "${name}" has no schema of its \`options\` (standardschema.dev; e.g. z.strictObject({}) of zod).`,
      );
    }
    const parsed = await definition.options['~standard'].validate(options);
    if (parsed.issues !== undefined) {
      const what = parsed.issues.map(({ message, path }) =>
        [path?.map(segment).join('.'), message].filter(Boolean).join(': '),
      );
      throw new SandboxError('SANDBOX008', `Options of provider "${name}": ${what.join('; ').replace(/\.$/, '')}.`);
    }
    const changed = (): void => {
      ports.changed?.();
      this.#providers.get(name)?.probes.forget();
    };
    const provider = definition.create(parsed.value, { ...ports, changed });
    this.register(provider);
    return provider;
  }

  /** @throws SandboxError SANDBOX008 for an unknown name. */
  provider(name: string): SandboxProvider {
    const known = this.#providers.get(name);
    if (known === undefined)
      throw new SandboxError('SANDBOX008', `There is no provider "${name}".`, { field: 'provider' });
    return known.provider;
  }

  get providers(): readonly SandboxProvider[] {
    return [...this.#providers.values()].map(({ provider }) => provider);
  }

  /** The provider that serves, its limits fitted to its machine. Under a millisecond once each provider was probed. */
  async choose(wish: ProviderWish): Promise<{
    provider: SandboxProvider;
    capabilities: ProviderCapabilities;
    config: SandboxConfig;
    selection: Selection;
  }> {
    const fitted = new Map<string, Fit & { readonly probe: ProviderProbe }>();
    const candidates: Candidate[] = [];
    const answers = [...this.#providers].map(([name, { provider, probes }]) => [name, provider, probes.get()] as const);
    for (const [name, provider, answer] of answers) {
      const probe = answer instanceof Promise ? await answer : answer;
      const { refusals, ...fit } = this.#check(provider, wish.config, probe);
      fitted.set(name, { ...fit, probe });
      candidates.push({ name, probe, refusals });
    }
    const { config, requested, strict, asked } = wish;
    const selection = chooseProvider({
      ...this.#options,
      candidates,
      requested,
      strict,
      asked,
      special: specialNeeds(config),
    });
    const fit = fitted.get(selection.provider);
    if (fit?.probe.available !== true) throw new Error(`no candidate ${selection.provider}`);
    return {
      provider: this.provider(selection.provider),
      capabilities: fit.probe.capabilities,
      config: fit.config,
      selection: { ...selection, notes: [...selection.notes, ...fit.notes] },
    };
  }

  /** Every provider by name. `fresh` probes now instead of taking what is known. */
  async status(options: { fresh?: boolean } = {}): Promise<Record<string, ProviderStatus>> {
    const probes = new Map<string, ProviderProbe>();
    for (const [name, cache] of [...this.#providers].map(([name, { probes: cache }]) => [name, cache] as const)) {
      probes.set(name, await (options.fresh === true ? cache.refresh() : cache.get()));
    }
    const isDefault = this.#default(probes);
    return Object.fromEntries(
      [...probes].map(([name, probe]): [string, ProviderStatus] => [
        name,
        {
          available: probe.available,
          capabilities: probe.available ? probe.capabilities : null,
          isDefault: name === isDefault,
          reason: probe.available ? null : `${probe.reason} ${probe.fix}`,
        },
      ]),
    );
  }

  /** A provider that throws here is ruled out, and holds up no other. */
  #check(provider: SandboxProvider, config: SandboxConfig, probe: ProviderProbe): Fit & Pick<Candidate, 'refusals'> {
    try {
      const fit = fitConfig(config, probe);
      return { ...fit, refusals: refusalsOf(provider, fit.config, probe) };
    } catch (error) {
      this.#options.logger.error('A provider could not check what is asked for', { provider: provider.name, error });
      return {
        config,
        notes: [],
        refusals: [{ field: 'provider', message: `Its check failed: ${sentenceOf(error)}.` }],
      };
    }
  }

  #default(probes: ReadonlyMap<string, ProviderProbe>): string | null {
    const candidates = [...probes].map(([name, probe]): Candidate => {
      return { name, probe, refusals: this.#check(this.provider(name), plainConfig, probe).refusals };
    });
    try {
      return chooseProvider({ ...this.#options, candidates, strict: false, asked: new Set(), special: [] }).provider;
    } catch {
      return null; // none is available
    }
  }
}

/** What is asked for, its limits lowered to a machine's, and what to say of that. */
interface Fit {
  readonly config: SandboxConfig;
  readonly notes: readonly string[];
}

/** Of a solution that asks for nothing; what has no other main file is `solution.py`. */
const plainConfig: SandboxConfig = {
  sandboxId: 'plain',
  instanceId: 'plain',
  ownerId: 'plain',
  limits: resolveLimits({}, {}, {}).limits,
  network: { mode: 'none' },
  environment: {},
  mounts: [],
  language: 'python',
};

/** What the provider says, and what it does not claim though its own check may have forgotten it, or be older than the need. */
function refusalsOf(provider: SandboxProvider, config: SandboxConfig, probe: ProviderProbe): readonly Refusal[] {
  const own = provider.check(config, probe);
  if (!probe.available) return own;
  const named = new Set(own.map(({ field }) => field));
  return [...own, ...unmetNeeds(config, probe.capabilities).filter(({ field }) => !named.has(field))];
}

function specialNeeds({ gpus, persistence, volumes = [], platform = 'any' }: SandboxConfig): readonly string[] {
  return [
    ...(gpus === undefined ? [] : ['a GPU']),
    ...(persistence === true || volumes.length > 0 ? ['persistence'] : []),
    ...(platform === 'any' ? [] : [`the platform ${platform}`]),
  ];
}

function segment(part: unknown): string {
  return String(typeof part === 'object' && part !== null && 'key' in part ? part.key : part);
}

function fitConfig(config: SandboxConfig, probe: ProviderProbe): Fit {
  if (!probe.available) return { config, notes: [] };
  const { machine, limits: enforcement } = probe.capabilities;
  const { limits, notes } = fitToMachine(config.limits, machine);
  const fitted = config.services === undefined ? null : fitServices(config.services, machine);
  const soft = Object.entries(enforcement).filter(([, how]) => how !== 'hard');
  return {
    config: { ...config, limits, ...(fitted !== null && { services: fitted.services }) },
    notes: [
      ...notes,
      ...(fitted?.notes ?? []),
      ...soft.map(
        ([limit, how]) => `The limit of ${limit} is ${how === 'none' ? 'not enforced' : 'best effort'} here.`,
      ),
    ],
  };
}
