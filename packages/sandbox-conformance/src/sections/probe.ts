import type { LimitName, ProviderCapabilities, Refusal, SandboxConfig } from '@ergon/sandbox-core';
import { isSandboxProvider } from '@ergon/sandbox-core';
import { equal, holds, isSentence, STEP_MS, succeeds, within } from '../promises.js';
import type { House } from '../house.js';
import { needsClaim, section } from '../suite.js';
import type { Section } from '../suite.js';

const enforcements = ['hard', 'best-effort', 'none'];
const limitNames: readonly LimitName[] = [
  'memory',
  'cpu',
  'pids',
  'disk',
  'open-files',
  'file-size',
  'output',
  'wall-time',
];
/** Within which an aborted probe has to end, in ms. */
const ABORTED_MS = 2000;
/** Names of uname(1) that Node calls otherwise. */
const architectures: Readonly<Record<string, string>> = {
  x86_64: 'x64',
  amd64: 'x64',
  aarch64: 'arm64',
  i686: 'ia32',
  armv7l: 'arm',
};
const flags = [
  'stdin',
  'tty',
  'signals',
  'files',
  'usage',
  'mounts',
  'gpu',
  'persistence',
  'images',
  'services',
] as const satisfies readonly (keyof ProviderCapabilities)[];

export const probe: Section = section('Probe and check', [
  {
    name: 'a provider is recognised by its brand, and has a wire name',
    body: async ({ provider }) => {
      holds(isSandboxProvider(provider), {
        promise: 'createProvider() gives a SandboxProvider.',
        mend: "Extend the core's SandboxProvider or ManagedSandboxProvider.",
      });
      holds(
        /^[a-z][a-z0-9-]{0,62}$/.test(provider.name),
        { promise: 'A provider has a wire name.', mend: 'Lower-case letters, digits and hyphens, e.g. "my-cloud".' },
        provider.name,
      );
    },
  },
  {
    name: 'probe() tells capabilities of the right shape',
    body: async ({ claims: { capabilities } }) => {
      const mend = 'Return every field of ProviderCapabilities, as found on this machine.';
      const kinds = ['none', 'seatbelt', 'namespaces', 'container', 'virtual-machine'];
      holds(
        kinds.includes(capabilities.isolation),
        { promise: 'Isolation is one of the known walls.', mend },
        capabilities.isolation,
      );
      for (const name of limitNames) {
        const enforcement = capabilities.limits[name];
        const promise = `Of the limit ${name} it is said how well it is kept.`;
        holds(enforcements.includes(enforcement), { promise, mend }, enforcement);
      }
      for (const flag of flags) {
        const promise = `The capability ${flag} is true or false.`;
        holds(typeof capabilities[flag] === 'boolean', { promise, mend }, capabilities[flag]);
      }
      const { platforms, network, runtimes, machine, details } = capabilities;
      const systems = platforms.length > 0 && platforms.every((each) => /^[a-z]+\/[a-z0-9]+$/.test(each));
      holds(systems, { promise: 'Platforms are like linux/x64.', mend }, platforms);
      const modes = ['none', 'allowlist', 'full', 'named'];
      holds(
        network.length > 0 && network.every((mode) => modes.includes(mode)),
        { promise: 'Network modes are known ones.', mend },
        network,
      );
      holds(
        runtimes.every((name) => name !== ''),
        { promise: 'Runtimes have names.', mend },
        runtimes,
      );
      const figures = Object.values(machine).every((value) => value === null || (Number.isFinite(value) && value > 0));
      holds(figures, { promise: "The machine's figures are positive numbers, or null.", mend }, machine);
      const facts = Object.values(details).every((text) => typeof text === 'string');
      holds(facts, { promise: 'Details are texts.', mend }, details);
    },
  },
  {
    name: 'probe() can be asked again and at the same time, and answers alike',
    body: async ({ provider, claims }) => {
      const mend = 'Tell what is absent by { available: false, reason, fix }; throw nothing.';
      const probes = await succeeds(STEP_MS, 'probe()', mend, () => Promise.all([provider.probe(), provider.probe()]));
      for (const found of probes) {
        const promised = {
          promise: 'Each probe tells the same claims.',
          mend: 'Find what the probes disturb in each other.',
        };
        holds(found.available, promised, found);
        equal({ ...found.capabilities, machine: null }, { ...claims.capabilities, machine: null }, promised);
      }
      equal(await provider.isAvailable(), true, {
        promise: 'isAvailable() says what probe() says.',
        mend: 'Leave it to the base class, which asks probe().',
      });
    },
  },
  {
    name: 'probe() ends soon when it is aborted, before or on its way, and the next one answers as ever',
    body: async ({ provider, claims }) => {
      for (const afterMs of [0, 20]) {
        const stop = new AbortController();
        if (afterMs === 0) stop.abort();
        const probing = provider.probe(stop.signal).catch(() => 'aborted');
        if (afterMs > 0) await Promise.race([probing, new Promise((resolve) => setTimeout(resolve, afterMs))]);
        stop.abort();
        await within(ABORTED_MS, 'An aborted probe()', probing);
        const found = await succeeds(STEP_MS, 'probe() after an aborted one', 'Keep nothing of it.', () =>
          provider.probe(),
        );
        const promised = {
          promise: 'An aborted probe() changes nothing: the next one finds what there is.',
          mend: 'Reject with the reason of the signal, or answer, and remember nothing of a probe that was cut short.',
        };
        holds(found.available, promised, found);
        equal({ ...found.capabilities, machine: null }, { ...claims.capabilities, machine: null }, promised);
      }
    },
  },
  {
    name: 'programs run on the platforms that are claimed',
    body: async (house) => {
      const { platforms } = house.claims.capabilities;
      const systems = platforms.map((platform) => platform.split('/')[0] ?? '');
      for (const platform of new Set([...platforms, ...systems])) {
        const sandbox = await house.sandbox({ config: { platform } });
        const { stdout } = await sandbox.sh('uname -s; uname -m');
        const [system = '', machine = ''] = stdout.toLowerCase().split('\n');
        const seen = platform.includes('/') ? `${system}/${architectures[machine] ?? machine}` : system;
        equal(seen, platform, {
          promise:
            'A sandbox is of the platform that was asked for: its system as uname(1) has it, its architecture as Node does.',
          mend: 'Claim what programs find, not what the host of the server is; refuse by check() what is not there.',
        });
      }
    },
  },
  {
    name: 'programs run with each runtime that is claimed',
    needs: needsClaim('runtimes', ({ capabilities }) => capabilities.runtimes.length > 0),
    body: async (house) => {
      for (const runtime of house.claims.capabilities.runtimes) {
        const config = { runtime };
        equal(check(house, house.config({ config })), [], {
          promise: `The runtime ${runtime}, which is claimed, is not refused.`,
          mend: 'Compare with the capabilities of the probe.',
        });
        const { stdout, end } = await (await house.sandbox({ config })).sh('echo ran; exit 3');
        equal([stdout, end.cause, end.exitCode], ['ran\n', 'exited', 3], {
          promise: `A program runs with the runtime ${runtime}, which is claimed.`,
          mend: 'Claim only what a probe has seen at work.',
        });
      }
    },
  },
  {
    name: 'check() has nothing against what the probe claims',
    body: async (house) => {
      equal(check(house, house.config()), [], {
        promise: 'A configuration that asks for what is claimed is not refused.',
        mend: 'Let check() compare with the capabilities of the probe that it is given.',
      });
    },
  },
  {
    name: 'check() refuses each thing that is not claimed, with its wire field and a sentence',
    body: async (house) => {
      for (const { field, config } of unclaimed(house)) {
        const refusals = check(house, house.config({ config }));
        const promise = `What is not claimed (${field}) is refused by check(), with the field and a sentence.`;
        const mend = `Return { field: "${field}", message } for it; start from super.check() (unmetNeeds of the core).`;
        holds(
          refusals.some((refusal) => refusal.field === field && isSentence(refusal.message)),
          { promise, mend },
          refusals,
        );
      }
    },
  },
  {
    name: 'check() is pure: it answers by the probe that it is given, and changes nothing',
    body: async (house) => {
      const promised = {
        promise: 'check() depends on nothing but its arguments, and does not change them.',
        mend: 'Read the capabilities from the second argument, not from what the provider remembers.',
      };
      const config = freeze(house.config());
      const { capabilities } = house.claims;
      const without = { ...capabilities, network: [] };
      equal(
        house.provider.check(config, { available: true, capabilities: freeze(without) }).length > 0,
        true,
        promised,
      );
      equal(house.provider.check(config, { available: true, capabilities: freeze({ ...capabilities }) }), [], promised);
    },
  },
]);

function check({ provider, claims }: House, config: SandboxConfig): readonly Refusal[] {
  return provider.check(config, { available: true, capabilities: claims.capabilities });
}

/** A wish for each thing that the provider does not claim. */
function unclaimed({ claims: { capabilities } }: House): { field: string; config: Partial<SandboxConfig> }[] {
  const { network } = capabilities;
  const volume = { storeId: 'x', ownerId: 'x', solutionId: 'x', name: 'x', target: '/volumes/x' };
  const mount = { digest: 'sha256:0', source: { folder: '/' }, target: '/layers/x' };
  const service = {
    image: 'x',
    environment: {},
    healthcheck: {},
    tmpfs: [],
    limits: { memoryBytes: 1 << 28, cpus: 1, pids: 64 },
  };
  const wishes: (readonly [boolean, string, Partial<SandboxConfig>])[] = [
    [network.includes('none'), 'network', { network: { mode: 'none' } }],
    [network.includes('full'), 'network', { network: { mode: 'full' } }],
    [network.includes('allowlist'), 'network', { network: { mode: 'allowlist', allow: ['example.org'] } }],
    [network.includes('named'), 'network', { network: { mode: 'named', name: 'x' } }],
    [capabilities.gpu, 'gpus', { gpus: 1 }],
    [capabilities.persistence, 'requires_persistence', { persistence: true }],
    [capabilities.persistence, 'volumes', { volumes: [volume] }],
    [capabilities.images, 'image', { image: 'x' }],
    [capabilities.services, 'services', { services: { database: service } }],
    [capabilities.mounts, 'mounts', { mounts: [mount] }],
    [false, 'runtime', { runtime: 'no-such-runtime' }],
    [false, 'platform', { platform: 'no-such-system' }],
  ];
  return wishes.flatMap(([claimed, field, config]) => (claimed ? [] : [{ field, config }]));
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value) as unknown[]) if (typeof part === 'object' && part !== null) freeze(part);
  return Object.freeze(value);
}
