import { SandboxFactory, chooseProvider, contractVersion, resolveLimits, silentLogger } from '../src/index.js';
import type { Candidate, ChoiceInput, ProviderPorts, ProviderProbe, SandboxConfig } from '../src/index.js';
import { LocalProvider, localCapabilities } from './local-provider.js';
import { ProbeCache } from '../src/factory/probe-cache.js';
import { until } from './house.js';

const up: ProviderProbe = { available: true, capabilities: { ...localCapabilities, isolation: 'container' } };
const down: ProviderProbe = { available: false, reason: 'The engine does not answer.', fix: 'Start it.' };

const candidate = (name: string, probe: ProviderProbe = up, refusal?: string): Candidate => ({
  name,
  probe,
  refusals: refusal === undefined ? [] : [{ field: 'gpus', message: refusal }],
});

const input = (more: Partial<ChoiceInput>): ChoiceInput => ({
  candidates: [candidate('sandbox-exec'), candidate('docker')],
  strict: false,
  asked: new Set(),
  prefer: [],
  allowUnisolated: [],
  platform: 'linux',
  special: [],
  ...more,
});

describe('choosing a provider', () => {
  it.each<[string, Partial<ChoiceInput>, string]>([
    ['Linux takes Docker', {}, 'docker'],
    ['macOS takes sandbox-exec', { platform: 'darwin' }, 'sandbox-exec'],
    ['macOS with a GPU takes Docker', { platform: 'darwin', special: ['a GPU'] }, 'docker'],
    ['the request goes first', { requested: 'sandbox-exec' }, 'sandbox-exec'],
    ['the server may put one first', { prefer: ['sandbox-exec'] }, 'sandbox-exec'],
    [
      'Linux without Docker takes what is there',
      { candidates: [candidate('sandbox-exec'), candidate('docker', down)] },
      'sandbox-exec',
    ],
    [
      'what cannot do it goes',
      { candidates: [candidate('docker', up, 'A GPU is not supported here.'), candidate('other')] },
      'other',
    ],
  ])('%s', (_, more, expected) => {
    const selection = chooseProvider(input(more));
    expect(selection.provider).toBe(expected);
    expect(selection.considered).toHaveLength(2);
    expect(selection.considered.filter(({ verdict }) => verdict === 'chosen')).toHaveLength(1);
    expect(selection.considered.every(({ reason }) => reason.length > 5)).toBe(true);
  });

  it('a named one that is down is replaced, visibly; with strict it is refused', () => {
    const candidates = [candidate('sandbox-exec'), candidate('docker', down)];
    const selection = chooseProvider(input({ candidates, requested: 'docker' }));
    expect(selection).toMatchObject({ provider: 'sandbox-exec', requested: 'docker', fallback: true });
    expect(selection.notes).toEqual(['docker is not available; sandbox-exec serves in its place.']);
    expect(() => chooseProvider(input({ candidates, requested: 'docker', strict: true }))).toThrow(
      expect.objectContaining({ code: 'SANDBOX001', message: expect.stringContaining('Start it.') as string }) as Error,
    );
  });

  it('a named one that is up and cannot do it is refused, never replaced', () => {
    const candidates = [candidate('sandbox-exec', up, 'A GPU is not supported here.'), candidate('docker')];
    expect(() => chooseProvider(input({ candidates, requested: 'sandbox-exec' }))).toThrow(
      expect.objectContaining({ code: 'SANDBOX009', field: 'gpus' }) as Error,
    );
  });

  const dear: Candidate = {
    name: 'docker',
    probe: up,
    refusals: [{ field: 'image', message: 'It would have to pull an image.', lastResort: true }],
  };

  it.each<[string, Partial<ChoiceInput>, string]>([
    ['goes after another that can serve', {}, 'sandbox-exec'],
    ['goes after another that no order names', { candidates: [dear, candidate('other')] }, 'other'],
    ['serves where it is named', { requested: 'docker' }, 'docker'],
    ['serves where the server puts it first', { prefer: ['docker'] }, 'docker'],
    ['serves where no other can', { candidates: [candidate('sandbox-exec', down), dear] }, 'docker'],
  ])('one that can do it at a price %s', (_, more, expected) => {
    const selection = chooseProvider(input({ candidates: [candidate('sandbox-exec'), dear], ...more }));
    expect(selection.provider).toBe(expected);
    const { verdict, reason } = selection.considered.find(({ provider }) => provider === 'docker') ?? {};
    if (expected === 'docker') expect(verdict).toBe('chosen');
    else expect([verdict, reason]).toEqual(['eligible', 'It could serve too. It would have to pull an image.']);
  });

  it('a price makes nothing possible that a refusal rules out', () => {
    const refusals = [{ field: 'gpus', message: 'A GPU is not supported here.' }, ...dear.refusals];
    expect(() => chooseProvider(input({ candidates: [{ ...dear, refusals }] }))).toThrow(
      expect.objectContaining({ code: 'SANDBOX009' }) as Error,
    );
  });

  it('none is refused with the reason of each', () => {
    const candidates = [candidate('sandbox-exec', up, 'A GPU is not supported here.'), candidate('docker', down)];
    expect(() => chooseProvider(input({ candidates }))).toThrow(
      expect.objectContaining({
        code: 'SANDBOX001',
        message:
          'No sandbox provider available. sandbox-exec: A GPU is not supported here. docker: The engine does not answer. Start it.',
      }) as Error,
    );
  });

  it('what none of all that are up can do is refused as such: trying again would be of no use', () => {
    const refusal = 'A GPU is not supported here.';
    const candidates = [candidate('sandbox-exec', up, refusal), candidate('docker', up, refusal)];
    expect(() => chooseProvider(input({ candidates }))).toThrow(
      expect.objectContaining({
        code: 'SANDBOX009',
        field: 'gpus',
        message: `No sandbox provider can do this. sandbox-exec: ${refusal} docker: ${refusal}`,
      }) as Error,
    );
  });

  it('strict refuses best-effort limits, and a limit asked for by name must exist', () => {
    expect(() => chooseProvider(input({ strict: true }))).toThrow(/best effort/);
    const none = { ...localCapabilities, limits: { ...localCapabilities.limits, disk: 'none' as const } };
    const candidates = [candidate('docker', { available: true, capabilities: none })];
    expect(chooseProvider(input({ candidates })).provider).toBe('docker');
    expect(() => chooseProvider(input({ candidates, asked: new Set(['disk' as const]) }))).toThrow(/cannot limit disk/);
  });

  it('no isolation needs the name in the request and in the configuration', () => {
    const bare: ProviderProbe = { available: true, capabilities: { ...localCapabilities, isolation: 'none' } };
    const candidates = [candidate('bare', bare)];
    expect(() => chooseProvider(input({ candidates }))).toThrow(/no isolation/);
    expect(() => chooseProvider(input({ candidates, requested: 'bare' }))).toThrow(/no isolation/);
    expect(() => chooseProvider(input({ candidates, allowUnisolated: ['bare'] }))).toThrow(/no isolation/);
    expect(chooseProvider(input({ candidates, requested: 'bare', allowUnisolated: ['bare'] })).provider).toBe('bare');
  });
});

const config: SandboxConfig = {
  sandboxId: 's',
  instanceId: 'i',
  ownerId: 'o',
  limits: resolveLimits({}, {}, {}).limits,
  network: { mode: 'none' },
  environment: {},
  mounts: [],
};
const wish = { config, strict: false, asked: new Set<never>() };

describe('the factory', () => {
  it('probes once for a burst of choices, answers from what it knows, and refreshes behind it', async () => {
    const provider = new LocalProvider();
    const factory = new SandboxFactory({ probeFreshMs: 30 }).register(provider);
    await Promise.all(Array.from({ length: 20 }, () => factory.choose(wish)));
    expect(provider.probes).toBe(1);
    provider.probeResult = down;
    await until(async () => {
      const status = await factory.status();
      return status.local?.available === false;
    });
    await expect(factory.choose(wish)).rejects.toMatchObject({ code: 'SANDBOX001' });
    expect(await factory.status()).toEqual({
      local: {
        available: false,
        capabilities: null,
        isDefault: false,
        reason: 'The engine does not answer. Start it.',
      },
    });
  });

  it('calls none the default that would not be taken for a solution in Python that asks for nothing', async () => {
    const named = (name: string, images: readonly string[]): LocalProvider =>
      Object.assign(new LocalProvider(), {
        name,
        check: ({ language }: SandboxConfig) =>
          images.includes(language ?? 'default')
            ? []
            : [{ field: 'image', message: `There is no image for ${language ?? 'it'}.` }],
      });
    const factory = new SandboxFactory({ platform: 'linux' })
      .register(named('docker', ['shell', 'default']))
      .register(named('other', ['python', 'shell', 'default']));
    expect(await factory.status()).toMatchObject({ docker: { isDefault: false }, other: { isDefault: true } });
    expect((await factory.choose({ ...wish, config: { ...config, language: 'python' } })).selection.provider).toBe(
      'other',
    );
    expect((await factory.choose(wish)).selection.provider).toBe('docker');
  });

  it('asks again at once when a provider says that it changed', async () => {
    const provider = new LocalProvider();
    let changed: (() => void) | undefined;
    const factory = new SandboxFactory();
    const options = { '~standard': { version: 1 as const, vendor: 'test', validate: () => ({ value: null }) } };
    const create = (_options: unknown, ports: ProviderPorts): LocalProvider => {
      changed = ports.changed;
      return provider;
    };
    const definition = { name: 'local', contract: contractVersion as typeof contractVersion, options, create };
    await factory.add(definition, null, { logger: silentLogger, stateDir: '/nowhere' });
    expect((await factory.choose(wish)).provider).toBe(provider);
    provider.probeResult = down;
    expect((await factory.choose(wish)).provider).toBe(provider); // believed for a while
    changed?.();
    await expect(factory.choose(wish)).rejects.toMatchObject({ code: 'SANDBOX001' });
  });

  it('does not believe a probe that was under way when the provider changed', async () => {
    const provider = new LocalProvider();
    const answers: ((probe: ProviderProbe) => void)[] = [];
    provider.probe = () => new Promise((resolve) => answers.push(resolve));
    const probes = new ProbeCache(provider, 10_000, silentLogger);
    const before = probes.get();
    probes.forget();
    const after = probes.get();
    expect(answers).toHaveLength(2);
    answers[1]?.(down);
    expect(await after).toBe(down);
    answers[0]?.(up); // late, and of before the change
    expect(await before).toBe(up);
    expect(probes.get()).toBe(down);
    expect(answers).toHaveLength(2);
  });

  it('joins the probe that is under way since the change, when the one of before ends', async () => {
    const provider = new LocalProvider();
    const answers: ((probe: ProviderProbe) => void)[] = [];
    provider.probe = () => new Promise((resolve) => answers.push(resolve));
    const probes = new ProbeCache(provider, 10_000, silentLogger);
    const before = probes.get();
    probes.forget();
    const after: Promise<ProviderProbe>[] = [Promise.resolve(probes.get())];
    answers[0]?.(up);
    expect(await before).toBe(up);
    after.push(Promise.resolve(probes.get()));
    expect(answers).toHaveLength(2);
    answers[1]?.(down);
    expect(await Promise.all(after)).toEqual([down, down]);
  });

  it.each<[Partial<SandboxConfig>, string]>([
    [{ gpus: 1 }, 'asks for a GPU.'],
    [{ persistence: true, gpus: { ids: ['0'] } }, 'asks for a GPU and persistence.'],
    [{ platform: 'linux/arm64' }, 'asks for the platform linux/arm64.'],
  ])('takes docker for %j on any system, and says why', async (needs, why) => {
    const all = { ...localCapabilities, gpu: true, persistence: true, platforms: ['linux/x64', 'linux/arm64'] };
    const factory = new SandboxFactory({ platform: 'darwin' });
    for (const name of ['sandbox-exec', 'docker']) {
      const provider = new LocalProvider(name);
      provider.probeResult = { available: true, capabilities: all };
      factory.register(provider);
    }
    const { selection } = await factory.choose({ ...wish, config: { ...config, ...needs } });
    expect(selection.provider).toBe('docker');
    expect(selection.considered.find(({ verdict }) => verdict === 'chosen')?.reason).toMatch(new RegExp(`${why}$`));
  });

  it('refuses what a provider does not claim, though its own check says nothing of it', async () => {
    const provider = new LocalProvider();
    jest.spyOn(provider, 'check').mockReturnValue([]);
    const factory = new SandboxFactory().register(provider);
    const asked = factory.choose({ ...wish, requested: 'local', config: { ...config, gpus: 1, image: 'x' } });
    await expect(asked).rejects.toMatchObject({ code: 'SANDBOX009', field: 'gpus' });
  });

  it('fits the limits to the machine of the chosen provider and says so', async () => {
    const factory = new SandboxFactory().register(new LocalProvider());
    const { config: fitted, selection } = await factory.choose(wish);
    expect(fitted.limits.cpus).toBe(2);
    expect(selection.notes.join(' ')).toContain('cpu_limit was lowered from 4 CPUs');
    expect(selection.notes.join(' ')).toContain('limit of memory is best effort');
  });

  it('a probe that throws is a provider that is not available', async () => {
    const provider = new LocalProvider();
    jest.spyOn(provider, 'probe').mockRejectedValue(new Error('boom'));
    const factory = new SandboxFactory().register(provider);
    expect((await factory.status()).local).toMatchObject({
      available: false,
      reason: expect.stringContaining('boom') as string,
    });
  });

  it.each<[string, (provider: LocalProvider) => void]>([
    [
      'whose check throws',
      (provider) =>
        jest.spyOn(provider, 'check').mockImplementation(() => {
          throw new Error('boom');
        }),
    ],
    ['whose check gives no list', (provider) => jest.spyOn(provider, 'check').mockReturnValue(undefined as never)],
    [
      'whose probe leaves out what it can do',
      (provider) => (provider.probeResult = { available: true, capabilities: {} as never }),
    ],
  ])('a provider %s is ruled out, logged, and keeps no other from serving', async (_what, spoil) => {
    const logged: unknown[] = [];
    const logger = { ...silentLogger, error: (_message: string, fields?: object) => void logged.push(fields) };
    const [bad, good] = [new LocalProvider('docker'), new LocalProvider('good')];
    spoil(bad);
    const factory = new SandboxFactory({ platform: 'linux', logger }).register(bad).register(good);
    expect(await factory.status()).toMatchObject({ docker: { isDefault: false }, good: { isDefault: true } });
    const { provider, selection } = await factory.choose(wish);
    expect(provider).toBe(good);
    expect(selection.considered[0]).toMatchObject({
      provider: 'docker',
      verdict: 'ruled-out',
      reason: expect.stringMatching(/^Its check failed: .+\.$/) as string,
    });
    expect(logged).toMatchObject([{ provider: 'docker' }, { provider: 'docker' }]);
    await expect(factory.choose({ ...wish, requested: 'docker' })).rejects.toMatchObject({
      code: 'SANDBOX009',
      message: expect.stringContaining('docker: Its check failed: ') as string,
    });
  });

  it('takes definitions, and refuses bad options, another contract, and a name twice', async () => {
    const factory = new SandboxFactory();
    const definition = {
      name: 'local',
      contract: contractVersion as typeof contractVersion,
      options: {
        '~standard': {
          version: 1 as const,
          vendor: 'test',
          validate: (value: unknown) =>
            value === undefined ? { value } : { issues: [{ message: 'must be absent', path: ['a', { key: 'b' }] }] },
        },
      },
      create: () => new LocalProvider(),
    };
    const ports = { logger: { error() {}, warn() {}, info() {}, debug() {} }, stateDir: '/nowhere' };
    await expect(factory.add(definition, 1, ports)).rejects.toThrow(
      'Options of provider "local": a.b: must be absent.',
    );
    await factory.add(definition, undefined, ports);
    await expect(factory.add(definition, undefined, ports)).rejects.toThrow(/registered already/);
    for (const none of [undefined, {}]) {
      const without = { ...definition, options: none as unknown as typeof definition.options };
      await expect(factory.add(without, undefined, ports)).rejects.toMatchObject({
        code: 'SANDBOX008',
        message: expect.stringMatching(/has no schema of its `options`/) as string,
      });
    }
    const other = { ...definition, contract: 99 as unknown as typeof contractVersion };
    await expect(factory.add(other, undefined, ports)).rejects.toThrow(/contract 99/);
  });
});
