import { rmSync } from 'node:fs';
import { inspect } from 'node:util';
import { silentLogger, type Report } from '@ergon/sandbox-core';
import { Engine } from '../src/engine/engine.js';
import type { DockerOptions } from '../src/index.js';
import { ImagePulls } from '../src/pull/index.js';
import { ChildServer } from './support/child.js';
import { docker } from './support/engine.js';
import { Registry } from './support/registry.js';
import { BUSYBOX, TestServer } from './support/server.js';
import { freePort } from './support/service.js';
import { until } from './support/until.js';

jest.setTimeout(180_000);

const MB = 1_000_000;
let registry: Registry;
beforeAll(async () => {
  registry = await Registry.launch();
});
afterAll(() => registry[Symbol.asyncDispose]());

/** A server that may pull from the registry. */
function puller({ host }: { host: string }, pull: DockerOptions['pull'] = {}): TestServer {
  return new TestServer({ pull: { from: [host], ...pull } });
}

const isThere = (image: string): Promise<boolean> =>
  docker
    .getImage(image)
    .inspect()
    .then(
      () => true,
      () => false,
    );

test('a missing image is pulled, its progress told in few events that are true, and the next sandbox has it at once', async () => {
  const digest = await registry.offer('team/app', { bytes: 6 * MB });
  await using slow = await registry.again({ bytesPerSecond: MB });
  const image = `${slow.host}/team/app:1`;
  await using server = puller(slow);
  const reports: Report[] = [];
  const command = ['sh', '-c', 'stat -c %s /layer'];
  const run = await server.run(command, {}, {}, { image, report: (report) => reports.push(report) });
  expect(run.stdout).toBe(`${6 * MB}\n`);
  const { size } = await registry.layer(digest);
  const phases = reports.filter(({ type }) => type === 'phase');
  expect(phases).toEqual([
    { type: 'phase', phase: 'pulling', message: `The image "${image}" is pulled.` },
    { type: 'phase', phase: 'pulled', message: `The image "${image}" is there.` },
  ]);
  const transferred = reports.flatMap((each) => (each.type === 'progress' && each.phase === 'pulling' ? [each] : []));
  expect(transferred.at(-1)).toMatchObject({ done: size, total: size });
  const unpacked = reports.filter((each) => each.type === 'progress' && each.phase === 'unpacking');
  expect(unpacked.at(-1)).toMatchObject({ done: size, total: size });
  const middle = transferred.map(({ done }) => done).filter((done) => done > 0 && done < size);
  expect(middle.length).toBeGreaterThan(0);
  expect(transferred.map(({ done }) => done)).toEqual([...transferred.map(({ done }) => done)].sort((a, b) => a - b));
  expect(transferred.every(({ total }) => total === null || total === size)).toBe(true);
  expect(reports.length).toBeLessThan(30);

  const asked = slow.said.length;
  const again: Report[] = [];
  await server.run(['true'], {}, {}, { image, report: (report) => again.push(report) });
  expect(again).toEqual([]);
  expect(slow.said.length).toBe(asked);
});

test('who waits for the same image shares one pull; one that leaves disturbs nobody, and is free at once', async () => {
  const layer = await registry.layer(await registry.offer('team/shared', { bytes: 4 * MB }));
  await using slow = await registry.again({ bytesPerSecond: MB });
  const image = `${slow.host}/team/shared:1`;
  await using server = puller(slow);
  const leaves = new AbortController();
  const told: Report[][] = [[], [], []];
  const waiting = told.map((reports, n) =>
    server.sandbox(
      {},
      {},
      { image, report: (report) => reports.push(report), ...(n === 0 && { signal: leaves.signal }) },
    ),
  );
  const [first, ...others] = waiting;
  await until('all are told', () => told.every((reports) => reports.some((each) => each.type === 'progress')));
  leaves.abort();
  await expect(first).rejects.toMatchObject({ code: 'SANDBOX011' });
  expect(await isThere(image)).toBe(false); // the others still wait
  for (const sandbox of await Promise.all(others))
    expect((await sandbox.sh('stat -c %s /layer')).stdout).toBe(`${4 * MB}\n`);
  // The engine itself asks only once for a layer that it gets already, but for each pull what the tag names.
  expect(slow.count('asked', layer.digest)).toBe(1);
  expect(slow.count('asked', '/manifests/1', 'HEAD')).toBe(1);
});

test('a preparation that is cancelled in the middle of a pull ends it: the engine lets go of the registry, and keeps nothing', async () => {
  const layer = await registry.layer(await registry.offer('team/cancelled', { bytes: 8 * MB }));
  await using slow = await registry.again({ bytesPerSecond: MB });
  const image = `${slow.host}/team/cancelled:1`;
  await using server = puller(slow);
  const config = server.config({}, { image });
  const preparing = server.provider.prepare('s', server.solution({}), config);
  const failure = expect(preparing).rejects.toMatchObject({ code: 'SANDBOX011' });
  await until('the layer is asked for', () => slow.count('asked', layer.digest) === 1);
  expect(await server.provider.cleanup(config.sandboxId)).toBe(true);
  await failure;
  await until('the registry is let go', () => slow.count('cut', layer.digest) === 1);
  expect(await isThere(image)).toBe(false);
  expect(await server.leftovers()).toEqual([]);
});

test('a server that is killed in the middle of a pull leaves nothing: no transfer, no image, no part of one', async () => {
  const layer = await registry.layer(await registry.offer('team/killed', { bytes: 8 * MB }));
  await using slow = await registry.again({ bytesPerSecond: MB });
  const image = `${slow.host}/team/killed:1`;
  const child = new ChildServer('child-puller.ts', [slow.host, image]);
  const { home } = await child.hears('server');
  await until('the layer is asked for', () => slow.count('asked', layer.digest) === 1);
  await child.kill();
  rmSync(String(home), { recursive: true });
  await until('the registry is let go', () => slow.count('cut', layer.digest) === 1);
  expect(await isThere(image)).toBe(false);
  // The next pull gets all of the layer.
  await using server = puller(registry);
  const fast = `${registry.host}/team/killed:1`;
  const reports: Report[] = [];
  await server.run(['true'], {}, {}, { image: fast, report: (report) => reports.push(report) });
  expect(reports).toContainEqual({ type: 'progress', phase: 'pulling', done: layer.size, total: layer.size });
});

test('a registry that dies in the middle is told as such once the engine has given it up, and nothing is left', async () => {
  const layer = await registry.layer(await registry.offer('team/dying', { bytes: 8 * MB }));
  await using dying = await registry.again({ bytesPerSecond: MB });
  const image = `${dying.host}/team/dying:1`;
  await using server = puller(dying);
  const reports: Report[] = [];
  const preparing = server.sandbox({}, {}, { image, report: (report) => reports.push(report) });
  const failure = expect(preparing).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: expect.stringContaining(
      `The image "${image}" could not be pulled. The registry "${dying.host}" could not be reached, or broke off.`,
    ) as string,
  });
  await until('the layer is asked for', () => dying.count('asked', layer.digest) === 1);
  await dying.container.kill();
  await failure;
  expect(reports).toContainEqual({
    type: 'notice',
    message: `The registry "${dying.host}" broke a transfer off; the Docker engine tries again.`,
  });
  expect(await isThere(image)).toBe(false);
  expect(await server.leftovers()).toEqual([]);
});

test('a digest is honoured: what it names is pulled and run, and what it does not name is thrown away', async () => {
  const digest = await registry.offer('team/digest');
  const other = await registry.offer('team/other');
  const pinned = `${registry.host}/team/digest:1@${digest}`;
  await using server = puller(registry, { policy: 'always' });
  const run = await server.run(['sh', '-c', 'stat -c %s /layer'], {}, {}, { image: pinned });
  expect(run.stdout).toBe(`${1 << 20}\n`);
  const asked = registry.said.length;
  await server.run(['true'], {}, {}, { image: pinned });
  expect(registry.said.length).toBe(asked); // it cannot change
  await docker.getImage(pinned.replace(':1@', '@')).remove();

  const wrong = {
    code: 'SANDBOX009',
    field: 'image',
    message: expect.stringContaining(
      'What the registry sent is not what its digest names, and was thrown away.',
    ) as string,
  };
  await registry.spoil(
    (await registry.layer(other)).digest,
    (path) => `printf x | dd of=${path} bs=1 seek=100 conv=notrunc`,
  );
  await expect(server.sandbox({}, {}, { image: `${registry.host}/team/other:1` })).rejects.toMatchObject(wrong);
  await registry.spoil(digest, (path) => `sed -i 's/"schemaVersion": 2,/"schemaVersion":  2,/' ${path}`);
  await expect(server.sandbox({}, {}, { image: pinned })).rejects.toMatchObject(wrong);
  for (const image of ['team/other:1', `team/digest@${digest}`])
    expect(await isThere(`${registry.host}/${image}`)).toBe(false);
  expect(await server.leftovers()).toEqual([]);
});

test('`platform` is honoured: of several the right one is pulled, and an image for another is refused', async () => {
  const foreign = await registry.offer('team/many', { foreign: true });
  const own = await registry.offer('team/many');
  const docked = process.arch === 'x64' ? 'amd64' : process.arch;
  await registry.index('team/many', 'all', { arm: foreign, [docked]: own });
  await registry.index('team/many', 'others', { arm: foreign });
  await registry.offer('team/foreign', { foreign: true });
  await using server = puller(registry);
  const run = (image: string): Promise<{ stdout: string }> =>
    server.run(['echo', 'it runs'], {}, {}, { image: `${registry.host}/${image}`, platform: `linux/${process.arch}` });
  expect((await run('team/many:all')).stdout).toBe('it runs\n');
  const refused = (message: string): object => ({
    code: 'SANDBOX009',
    field: 'image',
    message: expect.stringContaining(message) as string,
  });
  await expect(run('team/many:others')).rejects.toMatchObject(refused(`It is not there for linux/${docked}.`));
  await expect(run('team/foreign:1')).rejects.toMatchObject(
    refused(`The image "${registry.host}/team/foreign:1" is for linux/arm, and linux/${process.arch} is asked for.`),
  );
  expect(await server.leftovers()).toEqual([]);
});

test('the policy says when a registry is asked: never, for what is missing, or for what may have changed', async () => {
  await registry.offer('team/policy', { bytes: 1000 });
  const image = `${registry.host}/team/policy:1`;
  const size = async (server: TestServer): Promise<string> =>
    (await server.run(['sh', '-c', 'stat -c %s /layer'], {}, {}, { image })).stdout;
  const asked = registry.said.length;
  await using never = puller(registry, { policy: 'never' });
  await expect(size(never)).rejects.toMatchObject({
    code: 'SANDBOX009',
    message: `The Docker engine does not have the image "${image}". Get it with "docker pull ${image}".`,
  });
  expect(registry.said.length).toBe(asked);
  await using missing = puller(registry);
  await using always = puller(registry, { policy: 'always' });
  expect(await size(missing)).toBe('1000\n');
  // Another image takes its name, which the engine's own copy does not tell.
  const id = (await docker.getImage(image).inspect()).Id;
  await registry.offer('team/policy', { bytes: 2000 });
  await docker.getImage(id).tag({ repo: `${registry.host}/team/policy`, tag: '1' });
  expect(await size(missing)).toBe('1000\n');
  expect(await size(always)).toBe('2000\n');
  expect(await size(never)).toBe('2000\n');
});

test('a request has images pulled only from where the server lets it; those of the configuration come from anywhere', async () => {
  await registry.offer('team/from');
  await registry.offer('other/from');
  const [team, other] = [`${registry.host}/team/from:1`, `${registry.host}/other/from:1`];
  const asked = registry.said.length;
  await using server = new TestServer({
    images: { default: BUSYBOX, python: other },
    pull: { from: [`${registry.host}/tea`, 'docker.io'] },
  });
  const probe = await server.provider.probe();
  const sentence =
    `The Docker engine does not have the image "${team}". This server does not pull "${registry.host}/team/from" for a request or a solution: ` +
    `"pull.from" in the options of its Docker provider names what it does. Get it with "docker pull ${team}".`;
  expect(server.provider.check(server.config({}, { image: team }), probe)).toEqual([
    { field: 'image', message: sentence },
  ]);
  await expect(server.sandbox({}, {}, { image: team })).rejects.toMatchObject({
    code: 'SANDBOX009',
    message: sentence,
  });
  expect(registry.said.length).toBe(asked);

  const python = server.config({}, { language: 'python' });
  expect(server.provider.check(python, probe)).toEqual([
    {
      field: 'image',
      message: `The Docker engine does not have the image "${other}" yet, and would have to pull it.`,
      lastResort: true,
    },
  ]);
  expect((await server.run(['echo', 'it runs'], {}, {}, { language: 'python' })).stdout).toBe('it runs\n');
});

test('the image of network `full` is pulled once a sandbox asks for that network', async () => {
  await registry.offer('team/network');
  const image = `${registry.host}/team/network:1`;
  const images = { default: BUSYBOX, network: image };
  await using server = new TestServer({ images, pull: {} });
  const full = server.config({}, { network: { mode: 'full' } });
  const message = `The Docker engine does not have the image "${image}" of "network" yet, and would have to pull it.`;
  expect(server.provider.check(full, await server.provider.probe())).toEqual([
    { field: 'network', message, lastResort: true },
  ]);
  await server.run(['true']);
  expect(await isThere(image)).toBe(false);
  // It is there then, and its BusyBox has no `ip` that could close a network.
  await expect(server.provider.prepare('s', server.solution({}), full)).rejects.toMatchObject({
    code: 'SANDBOX009',
    message: expect.stringContaining(`cannot be closed off from the host with the image "${image}"`) as string,
  });
  expect(await isThere(image)).toBe(true);
  await using never = new TestServer({ images: { ...images, network: `${registry.host}/team/none:1` } });
  expect(never.provider.check(full, await never.provider.probe())).toEqual([
    { field: 'network', message: 'Network mode "full" is not supported here.' },
  ]);
  expect(await server.leftovers()).toEqual([]);
});

test('an image of more bytes than a server allows is refused, and so is one that takes too long', async () => {
  const layer = await registry.layer(await registry.offer('team/large', { bytes: 8 * MB }));
  await using slow = await registry.again({ bytesPerSecond: MB });
  const image = `${slow.host}/team/large:1`;
  await using small = puller(slow, { maxBytes: 4 * MB });
  await expect(small.sandbox({}, {}, { image })).rejects.toMatchObject({
    code: 'SANDBOX004',
    message: `The image "${image}" could not be pulled: it has more than the 4000000 bytes that this server allows an image.`,
  });
  await until('the registry is let go', () => slow.count('cut', layer.digest) === 1);
  await using hasty = puller(slow, { timeoutMs: 2000 });
  await expect(hasty.sandbox({}, {}, { image })).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: `The image "${image}" could not be pulled: it took longer than 2 s.`,
  });
  await until('the registry is let go', () => slow.count('cut', layer.digest) === 2);
  expect(await isThere(image)).toBe(false);
});

test('a registry that falls silent is given up', async () => {
  await registry.offer('team/mute');
  await using mute = await registry.again({ mute: true });
  const reference = `${mute.host}/team/mute:1`;
  const name = { registry: mute.host, repository: 'team/mute', version: { tag: '1' } };
  const rules = { timeoutMs: 60_000, maxBytes: MB * MB };
  const pulls = new ImagePulls(new Engine(docker), rules, silentLogger, 3000);
  await expect(pulls.pull({ reference, name, platform: null })).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: `The image "${reference}" could not be pulled: the registry "${mute.host}" gave nothing for 3 s.`,
  });
  expect(await isThere(reference)).toBe(false);
});

test('an image that no registry has, and a registry that is not there, are told by their names', async () => {
  await using server = puller(registry);
  const image = `${registry.host}/team/none:1`;
  await expect(server.sandbox({}, {}, { image })).rejects.toMatchObject({
    code: 'SANDBOX009',
    field: 'image',
    message: expect.stringContaining(
      `The image "${image}" could not be pulled. The registry "${registry.host}" has no such image: is "${image}" spelled right?`,
    ) as string,
  });
  const nowhere = `127.0.0.1:${await freePort()}`;
  await using lost = puller({ host: nowhere });
  const error: unknown = await lost.sandbox({}, {}, { image: `${nowhere}/team/app` }).catch((each: unknown) => each);
  expect(error).toMatchObject({
    code: 'SANDBOX001',
    message: expect.stringContaining(`The registry "${nowhere}" could not be reached, or broke off.`) as string,
  });
  expect(inspect(error)).toContain('connection refused');
});
