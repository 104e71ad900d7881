import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError } from '../src/index.js';
import type { SandboxTemplate, SandboxVolume, Volume, VolumeId, VolumeScope } from '../src/index.js';
import { makeHouse } from './house.js';
import type { House } from './house.js';
import { LocalProvider, localCapabilities } from './local-provider.js';
import type { LocalBox } from './local-provider.js';

/** Keeps names of volumes, and nothing in them. */
class KeepingProvider extends LocalProvider {
  readonly kept: SandboxVolume[] = [];
  isDown = false;
  override probeResult = { available: true, capabilities: { ...localCapabilities, persistence: true } } as const;

  protected override open(template: SandboxTemplate): Promise<LocalBox> {
    this.kept.push(...(template.volumes ?? []));
    return super.open(template);
  }

  override volumes(
    { storeId, ownerId }: VolumeScope,
    { solutionId }: { readonly solutionId?: string } = {},
  ): Promise<readonly Volume[]> {
    if (this.isDown) return Promise.reject(new SandboxError('SANDBOX001', 'It is down.'));
    const theirs = this.kept.filter((each) => each.storeId === storeId && each.ownerId === ownerId);
    const rest = { sizeBytes: 1, limitBytes: 2, created: '2026-11-25T00:00:00.000Z', inUse: false };
    return Promise.resolve(
      theirs
        .filter((each) => solutionId === undefined || each.solutionId === solutionId)
        .map((each) => ({ solutionId: each.solutionId, name: each.name, ...rest })),
    );
  }

  override removeVolume(id: VolumeId): Promise<boolean> {
    if (this.isDown) return Promise.reject(new SandboxError('SANDBOX001', 'It is down.'));
    const at = this.kept.findIndex((each) => Object.entries(id).every(([key, value]) => each[key as 'name'] === value));
    if (at !== -1) this.kept.splice(at, 1);
    return Promise.resolve(at !== -1);
  }
}

let house: House;
let keeping: KeepingProvider;
beforeEach(async () => {
  keeping = new KeepingProvider('keeping');
  house = await makeHouse({}, [keeping]);
  house.registry.contents.set('stateful', { code: 'true\n', main_file: 'main.sh', requires_persistence: true });
});
afterEach(async () => {
  await house.close();
});

const stored = async (): Promise<string[]> =>
  (await house.runner.volumes()).map(({ provider, solutionId, name }) => `${provider} ${solutionId} ${name}`);

test('a solution that requires persistence has the volume "data", those that it names, and those of the request, each once', async () => {
  house.registry.contents.set('more', {
    ...house.registry.contents.get('stateful'),
    volumes: ['cache', 'data'],
  });
  const sandbox = await house.runner.open('more', { volumes: ['Another_1.x', 'cache'] });
  await sandbox.ready;
  expect(sandbox.selection.provider).toBe('keeping');
  expect(keeping.kept.map(({ name, target }) => `${name} ${target}`)).toEqual([
    'data /volumes/data',
    'cache /volumes/cache',
    'Another_1.x /volumes/Another_1.x',
  ]);
  expect(new Set(keeping.kept.map(({ solutionId, ownerId }) => `${solutionId} ${ownerId}`))).toEqual(
    new Set(['more local']),
  );
  await sandbox.cleanup();
});

test('volumes are listed by solution and name, and removed, also after another start on the same data folder', async () => {
  expect(await stored()).toEqual([]);
  for (const id of ['stateful', 'hello']) {
    const sandbox = await house.runner.open(id, { volumes: ['b', 'a'], provider: 'keeping' });
    await sandbox.ready;
    await sandbox.cleanup();
  }
  await house.runner.close();
  house.runner = await house.start();
  expect(await stored()).toEqual([
    'keeping hello a',
    'keeping hello b',
    'keeping stateful a',
    'keeping stateful b',
    'keeping stateful data',
  ]);
  expect(await house.runner.volumes({ solutionId: 'hello' })).toHaveLength(2);
  await house.runner.removeVolume('hello', 'a');
  await expect(house.runner.removeVolume('hello', 'a')).rejects.toMatchObject({
    code: 'SANDBOX012',
    message: 'The solution "hello" has no volume "a".',
  });
  expect(await house.runner.volumes({ solutionId: 'hello' })).toMatchObject([{ name: 'b' }]);
});

test('a provider that is down hides no volumes; one that never had any is not asked', async () => {
  keeping.isDown = true;
  expect(await stored()).toEqual([]);
  const sandbox = await house.runner.open('stateful');
  await sandbox.ready;
  await expect(stored()).rejects.toMatchObject({ code: 'SANDBOX001', message: 'It is down.' });
  await expect(house.runner.removeVolume('stateful', 'data')).rejects.toMatchObject({ code: 'SANDBOX001' });
});

test('two data folders have volumes of their own', async () => {
  const other = await makeHouse({}, [keeping]);
  other.registry.contents.set('stateful', house.registry.contents.get('stateful') ?? {});
  for (const { runner } of [house, other]) await (await runner.open('stateful')).ready;
  expect(new Set(keeping.kept.map(({ storeId }) => storeId)).size).toBe(2);
  expect(await house.runner.volumes()).toHaveLength(1);
  await other.runner.removeVolume('stateful', 'data');
  expect(await house.runner.volumes()).toHaveLength(1);
  await other.close();
});

test('a data folder whose name is damaged does not start with another', async () => {
  await house.runner.close();
  const path = join(house.dataDir, 'volumes', 'store');
  const name = await readFile(path, 'utf8');
  await writeFile(path, '');
  await expect(house.start()).rejects.toMatchObject({
    code: 'SANDBOX008',
    message: expect.stringContaining(path) as string,
  });
  await writeFile(path, name);
  house.runner = await house.start();
});

test.each([
  [['..'], 'volumes.0: must be the name of a volume'],
  [['.hidden'], 'volumes.0: must be the name of a volume'],
  [['a/b'], 'volumes.0: must be the name of a volume'],
  [['ok', 'a\nb'], 'volumes.1: must be the name of a volume'],
  [['-rf'], 'volumes.0: must be the name of a volume'],
  [['x'.repeat(65)], 'volumes.0: must be the name of a volume'],
  [['a', 'a'], 'volumes: must not name a volume twice'],
  [Array.from({ length: 17 }, (_, index) => `v${index}`), 'volumes: must be at most 16'],
])('of a request %j is refused', async (volumes, sentence) => {
  const message = expect.stringContaining(sentence) as string;
  await expect(house.runner.open('hello', { volumes })).rejects.toMatchObject({ code: 'SANDBOX008', message });
  house.registry.contents.set('hostile', { ...house.registry.contents.get('hello'), volumes });
  await expect(house.runner.open('hostile')).rejects.toMatchObject({
    code: 'SANDBOX008',
    message: expect.stringContaining(`content.${sentence}`) as string,
  });
});

test('more than 16 of a request and its solution together are refused', async () => {
  const volumes = Array.from({ length: 16 }, (_, index) => `v${index}`);
  await expect(house.runner.open('stateful', { volumes })).rejects.toMatchObject({
    code: 'SANDBOX008',
    message: 'volumes: the request and its solution ask for 17 volumes; a solution has at most 16.',
  });
});

test('a runner that keeps none refuses them', async () => {
  await house.runner.close();
  house.runner = await house.start({ keepsVolumes: false });
  await expect(house.runner.open('stateful')).rejects.toMatchObject({
    code: 'SANDBOX009',
    field: 'content.requires_persistence',
  });
  await expect(house.runner.open('hello', { volumes: ['x'] })).rejects.toMatchObject({
    code: 'SANDBOX009',
    message: 'volumes: nothing outlives a run here, so that there are no volumes.',
  });
});

test('a provider without them is never asked for one, and refuses by name', async () => {
  await expect(house.runner.open('stateful', { provider: 'local' })).rejects.toMatchObject({
    code: 'SANDBOX009',
    field: 'requires_persistence',
  });
  await expect(house.runner.open('hello', { provider: 'local', volumes: ['x'] })).rejects.toMatchObject({
    code: 'SANDBOX009',
    field: 'volumes',
  });
  const scope = { storeId: 's', ownerId: 'o' };
  await expect(house.provider.volumes(scope)).rejects.toMatchObject({ code: 'SANDBOX009' });
  await expect(house.provider.removeVolume({ ...scope, solutionId: 'hello', name: 'x' })).rejects.toMatchObject({
    code: 'SANDBOX009',
  });
});
