import { once } from 'node:events';
import type { ProviderProbe } from '@ergon/sandbox-core';
import { docker } from './support/engine.js';
import { RawContainer } from './support/raw.js';
import { BUSYBOX, DEBIAN, TestServer } from './support/server.js';
import { until } from './support/until.js';

const WILD = 'ergon-test/wild:1';
const EMPTY = 'ergon-test/empty:1';
const FRESH = 'ergon-test/fresh';

let server: TestServer;
beforeAll(async () => {
  server = new TestServer();
  // An image that wants much: to be root, an entry point, a check of its health, volumes.
  const base = await docker.createContainer({ Image: BUSYBOX, Cmd: ['true'] });
  const changes = [
    'USER root',
    'ENTRYPOINT ["/bin/echo", "entry point"]',
    'HEALTHCHECK --interval=1s CMD touch /tmp/checked',
    'VOLUME /data',
    'ENV WORD="of the image"',
    'ENV PATH=/data/bin:/bin',
  ].join('\n');
  const [repo, tag] = WILD.split(':');
  await base.commit({ repo, tag, changes });
  await base.remove();
  const [emptyRepo, emptyTag] = EMPTY.split(':');
  const imported = await docker.importImage(Buffer.alloc(1024) as unknown as string, {
    repo: emptyRepo,
    tag: emptyTag,
  });
  imported.resume();
  await once(imported, 'end');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  for (const image of [WILD, EMPTY]) await docker.getImage(image).remove({ force: true });
});

test('an image is a tree of files, and not a configuration: user, entry point and health check are ours', async () => {
  const { stdout } = await server.run(
    ['sh', '-c', 'id -u; sleep 3; ls /tmp; echo $WORD; echo $PATH; pwd'],
    {},
    {},
    { image: WILD },
  );
  const [uid, ...rest] = stdout.trim().split('\n');
  expect(Number(uid)).toBeGreaterThan(0);
  expect(rest).toEqual(['of the image', '/data/bin:/bin:/run/ergon', '/workspace']);
});

test('what an image declares as a volume is bounded, gone with its container, and leaves no volume', async () => {
  const sandbox = await server.sandbox({}, { memoryBytes: 32 << 20 }, { image: WILD });
  const [parked] = await docker.listContainers({
    filters: { label: [`org.ergon.sandbox.sandbox=${sandbox.id}`, 'org.ergon.sandbox.role=run'] },
  });
  expect(parked?.Mounts.map(({ Name }) => Name?.replace(sandbox.id, '…')).sort()).toEqual([
    'ergon-…-output',
    'ergon-…-solution',
    'ergon-…-workspace',
  ]);
  const { stdout, end } = await sandbox.sh('df -k /data | tail -1; head -c 100m /dev/zero > /data/big');
  expect(stdout).toMatch(/^tmpfs +32768 /);
  expect(end.exitCode).not.toBe(0);
  await sandbox.cleanup();
  const raw = await RawContainer.start('sleep 1000', { Image: WILD });
  const [mount] = (await raw.container.inspect()).Mounts;
  expect(mount).toMatchObject({ Type: 'volume', Destination: '/data' });
  await raw.container.remove({ force: true }); // without `v`
  const left = docker.getVolume(mount?.Name ?? '');
  expect((await left.inspect()).Name).toBe(mount?.Name);
  await left.remove();
});

test('the language of a solution chooses its image, and the request’s own comes first', async () => {
  const which = 'command -v apt-get python3 || echo busybox';
  const run = async (more: object): Promise<string> => (await server.run(['sh', '-c', which], {}, {}, more)).stdout;
  expect(await run({ language: 'python' })).toMatch(/apt-get/);
  expect(await run({})).toBe('busybox\n');
  expect(await run({ language: 'shell', image: DEBIAN })).toMatch(/apt-get/);
});

test('python runs where there is only python3', async () => {
  const { stdout } = await server.run(['python', '-c', 'print(6 * 7)'], {}, {}, { image: DEBIAN });
  expect(stdout).toBe('42\n');
});

test('a missing image is refused by check() and by prepare(), with what to do, for the language or for the request', async () => {
  const probe = await server.provider.probe();
  const asked = server.config({}, { image: 'nobody/has:this' });
  expect(server.provider.check(asked, probe)).toEqual([
    {
      field: 'image',
      message:
        'The Docker engine does not have the image "nobody/has:this". Get it with "docker pull nobody/has:this".',
    },
  ]);
  await expect(server.provider.prepare('s', server.solution({}), asked)).rejects.toMatchObject({
    code: 'SANDBOX009',
    field: 'image',
  });
  const bare = new TestServer({ images: {} });
  await bare.provider.probe();
  const [refusal] = bare.provider.check(bare.config({}, { language: 'python' }), probe);
  expect(refusal?.message).toMatch(/"python:3-slim".*docker pull python:3-slim.*"python" in ERGON_SANDBOX_IMAGES/);
  await bare[Symbol.asyncDispose]();
  expect(await server.leftovers()).toEqual([]);
});

test('a check goes by its probe alone; an image that came or went is announced, so that another probe is made', async () => {
  let changes = 0;
  const watching = new TestServer({}, { changed: () => changes++ });
  const config = watching.config({}, { image: FRESH });
  const refused = (probe: ProviderProbe): boolean => watching.provider.check(config, probe).length > 0;
  const announced = async (what: () => Promise<unknown>): Promise<ProviderProbe> => {
    const before = changes;
    await what();
    await until('it is announced', () => changes > before, 3000);
    return watching.provider.probe();
  };
  const without = await announced(() => watching.provider.probe());
  expect(refused(without)).toBe(true);
  const having = await announced(() => docker.getImage(BUSYBOX).tag({ repo: FRESH }));
  expect([without, having].map(refused)).toEqual([true, false]);
  const lacking = await announced(() => docker.getImage(FRESH).remove());
  expect([without, having, lacking].map(refused)).toEqual([true, false, true]);
  await expect(watching.provider.prepare('s', watching.solution({}), config)).rejects.toMatchObject({
    code: 'SANDBOX009',
    field: 'image',
  });
  await watching[Symbol.asyncDispose]();
});

test('an image without a shell is refused with a sentence, and leaves nothing', async () => {
  await expect(server.sandbox({}, {}, { image: EMPTY })).rejects.toMatchObject({
    message: expect.stringMatching(/\/bin\/sh/) as string,
  });
  expect(await server.leftovers()).toEqual([]);
});
