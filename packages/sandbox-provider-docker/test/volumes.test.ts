import { randomUUID } from 'node:crypto';
import type { SandboxLimits, SandboxVolume, Volume, VolumeScope } from '@ergon/sandbox-core';
import { docker } from './support/engine.js';
import { guest } from './support/guest.js';
import { TestServer, type Run, type TestSandbox } from './support/server.js';
import { until } from './support/until.js';

jest.setTimeout(180_000);

const MiB = 1 << 20;
const maxBytes = 8 * MiB;
/** Of this test's data folder. */
const scope: VolumeScope = { storeId: randomUUID(), ownerId: 'tester' };

let server: TestServer;
beforeAll(() => {
  server = new TestServer({ volumes: { maxBytes } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});
/** Names in the engine of all that a data folder has, found without the product. */
async function inEngine(storeId: string): Promise<string[]> {
  const { Volumes } = await docker.listVolumes();
  const labels = (of: Record<string, string> | null): string[] => Object.values(of ?? {});
  return Volumes.filter(({ Labels }) => labels(Labels).includes(storeId)).map(({ Name }) => Name);
}
afterEach(async () => {
  expect(await server.leftovers()).toEqual([]);
  for (const { solutionId, name } of await server.provider.volumes(scope)) {
    expect(await server.provider.removeVolume({ ...scope, solutionId, name })).toBe(true);
  }
  expect(await inEngine(scope.storeId)).toEqual([]);
});

function volume(name: string, of: Partial<VolumeScope> & { readonly solutionId?: string } = {}): SandboxVolume {
  return { ...scope, solutionId: 'hello', ...of, name, target: `/volumes/${name}` };
}

function withVolumes(volumes: readonly SandboxVolume[], limits: Partial<SandboxLimits> = {}): Promise<TestSandbox> {
  return server.sandbox({}, limits, { volumes });
}

/** A script in a sandbox of its own. */
async function once(script: string, volumes: readonly SandboxVolume[] = [volume('data')]): Promise<Run> {
  const sandbox = await withVolumes(volumes);
  try {
    return await sandbox.sh(script);
  } finally {
    await sandbox.cleanup();
  }
}

async function listed(): Promise<Volume | undefined> {
  const [only, ...more] = await server.provider.volumes(scope);
  expect(more).toEqual([]);
  return only;
}

test('what a program writes is there for the next sandbox of its solution, which may change it, and for no other solution', async () => {
  const wrote = await once('umask 077; mkdir /volumes/data/d; echo one > /volumes/data/d/f; id -u');
  expect(wrote.end.exitCode).toBe(0);
  const read = await once(
    'cat /volumes/data/d/f; echo two >> /volumes/data/d/f; rm -r /volumes/data/d; id -u; ls -A /volumes',
  );
  expect(read.stdout).toBe(`one\n${wrote.stdout}data\n`);
  expect(Number(wrote.stdout)).toBeGreaterThan(0);
  for (const other of [{ solutionId: 'other' }, { ownerId: 'somebody' }, { storeId: randomUUID() }]) {
    const seen = await once('ls -A /volumes/data; id -u', [volume('data', other)]);
    expect([seen.end.exitCode, seen.stdout]).toEqual([0, expect.stringMatching(/^\d+\n$/)]);
    expect(seen.stdout).not.toBe(wrote.stdout);
    expect(await server.provider.removeVolume(volume('data', other))).toBe(true);
  }
});

test('another server finds the volumes of its data folder again, and none of another folder on the same engine', async () => {
  await once('echo kept > /volumes/data/f');
  await using later = new TestServer();
  const run = await later.run(['cat', '/volumes/data/f'], {}, {}, { volumes: [volume('data')] });
  expect(run.stdout).toBe('kept\n');
  const elsewhere = { storeId: randomUUID(), ownerId: scope.ownerId };
  expect(await later.provider.volumes(elsewhere)).toEqual([]);
  expect(await later.provider.removeVolume({ ...volume('data'), ...elsewhere })).toBe(false);
  expect(await later.provider.volumes(scope)).toHaveLength(1);
});

test('two sandboxes of a solution have the same volume at once', async () => {
  const [one, other] = await Promise.all([
    withVolumes([volume('data')]),
    withVolumes([volume('data'), volume('more')]),
  ]);
  await one.sh('echo of one > /volumes/data/f');
  expect((await other.sh('cat /volumes/data/f; echo of both >> /volumes/data/f; echo > /volumes/more/g')).stdout).toBe(
    'of one\n',
  );
  expect((await one.sh('cat /volumes/data/f; ls /volumes')).stdout).toBe('of one\nof both\ndata\n');
  await Promise.all([one.cleanup(), other.cleanup()]);
});

test('a list tells of each its size, its limit, when it was made and whether it is in use', async () => {
  const before = Date.now();
  await once('truncate -s 1000G /volumes/data/sparse; dd if=/dev/zero of=/volumes/data/x bs=1M count=3; sync');
  const sandbox = await withVolumes([volume('more', { solutionId: 'other' })]);
  const [data, more] = [...(await server.provider.volumes(scope))].sort((a, b) => (a.name < b.name ? -1 : 1));
  expect(data).toMatchObject({ solutionId: 'hello', name: 'data', limitBytes: maxBytes, inUse: false });
  expect(data?.sizeBytes).toBeGreaterThanOrEqual(3 * MiB);
  expect(data?.sizeBytes).toBeLessThan(3.1 * MiB);
  expect(Date.parse(data?.created ?? '')).toBeGreaterThanOrEqual(before);
  expect(more).toMatchObject({ solutionId: 'other', name: 'more', inUse: true });
  expect(await server.provider.volumes(scope, { solutionId: 'other' })).toEqual([more]);
  expect(await server.provider.volumes(scope, { solutionId: 'nobody' })).toEqual([]);
  await sandbox.cleanup();
});

test('a volume is not removed while a sandbox has it, and then with all that it holds', async () => {
  const sandbox = await withVolumes([volume('data')]);
  await sandbox.sh('echo x > /volumes/data/f');
  await expect(server.provider.removeVolume(volume('data'))).rejects.toMatchObject({
    code: 'SANDBOX007',
    message: 'The volume "data" of "hello" is in use. Remove its sandboxes first.',
  });
  await sandbox.cleanup();
  expect(await server.provider.removeVolume(volume('data'))).toBe(true);
  expect(await server.provider.removeVolume(volume('data'))).toBe(false);
  expect((await once('ls -A /volumes/data')).stdout).toBe('');
});

test('one that something else of the engine uses is in use as well', async () => {
  await once('true');
  const [name = ''] = await inEngine(scope.storeId);
  const other = await docker.createContainer({
    Image: 'ergon-test/busybox:1',
    HostConfig: { Binds: [`${name}:/v`], NetworkMode: 'none' },
  });
  await expect(server.provider.removeVolume(volume('data'))).rejects.toMatchObject({ code: 'SANDBOX007' });
  await other.remove();
});

test('lists, removals and new sandboxes at one time disturb each other in nothing', async () => {
  await once('echo x > /volumes/data/f');
  const [lists, removed, seen] = await Promise.all([
    Promise.all([1, 2, 3].map(() => server.provider.volumes(scope).catch(String))),
    server.provider.removeVolume(volume('data')),
    once('ls -A /volumes/data; echo y > /volumes/data/g'),
  ]);
  expect(removed).toBe(true);
  expect([seen.end.exitCode, seen.stdout]).toEqual([0, '']);
  for (const list of lists) expect(list).toBeInstanceOf(Array);
  expect(await listed()).toMatchObject({ name: 'data', inUse: false });
});

test('a program that writes more to a volume than it may hold is ended, and is told which', async () => {
  const { end, stdout } = await once('echo begun; dd if=/dev/zero of=/volumes/data/x bs=1M count=40; exec sleep 100');
  expect(stdout).toBe('begun\n');
  // An engine that bounds volumes by itself lets nobody write more; ours does not, and so they are looked at.
  expect(end).toMatchObject({ cause: 'limit', exitCode: null });
  expect(end.limitsHit).toEqual([
    {
      limit: 'disk',
      value: maxBytes,
      evidence: expect.stringMatching(/^volume "data" holds \d+ bytes in \d+ files, counted$/) as string,
    },
  ]);
});

test('so is one that makes empty files without end', async () => {
  const { end } = await once('cd /volumes/data; i=0; while :; do : > $i; i=$((i+1)); done');
  expect(end).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'disk', value: maxBytes }] });
});

test('a volume that is too large may be opened and tidied up, and only what makes it grow ends a run', async () => {
  await once('dd if=/dev/zero of=/volumes/data/x bs=1M count=20; exec sleep 100');
  await once('dd if=/dev/zero of=/volumes/data/y bs=1M count=20; exec sleep 100');
  const size = (await listed())?.sizeBytes ?? 0;
  expect(size).toBeGreaterThan(maxBytes);
  const sandbox = await withVolumes([volume('data')]);
  const quiet = await sandbox.sh('sleep 1; cat /volumes/data/x | wc -c');
  expect(quiet.end).toMatchObject({ cause: 'exited', exitCode: 0, limitsHit: [] });
  const more = await sandbox.sh('dd if=/dev/zero of=/volumes/data/z bs=1M count=5; exec sleep 100');
  expect(more.end).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'disk', value: maxBytes }] });
  // What is freed is not to be had again, but for what there is below the limit.
  const freed = await sandbox.sh(
    'rm /volumes/data/*; sleep 1; dd if=/dev/zero of=/volumes/data/x bs=1M count=4; sync; sleep 1',
  );
  expect(freed.end).toMatchObject({ cause: 'exited', exitCode: 0, limitsHit: [] });
  const again = await sandbox.sh('dd if=/dev/zero of=/volumes/data/y bs=1M count=12; exec sleep 100');
  expect(again.end).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'disk', value: maxBytes }] });
  await sandbox.cleanup();
});

test('what a volume holds does not count to the disk of a sandbox, but what was removed and is still open does', async () => {
  const sandbox = await withVolumes([volume('data')], { diskBytes: 2 * MiB, fileBytes: 64 * MiB });
  const written = await sandbox.sh('dd if=/dev/zero of=/volumes/data/x bs=1M count=5; sync; sleep 1');
  expect(written.end).toMatchObject({ cause: 'exited', limitsHit: [] });
  const hidden = await sandbox.sh(
    'exec 7>/volumes/data/y; rm /volumes/data/y; dd if=/dev/zero bs=1M count=5 >&7; exec sleep 100',
  );
  expect(hidden.end).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'disk', value: 2 * MiB }] });
  await sandbox.cleanup();
});

test('a volume of hostile names, links, shut and deep folders is counted, opened again and removed, and nothing outside is touched', async () => {
  const half = `${'d'.repeat(200)}/`.repeat(15);
  const made = await once(
    `cd /volumes/data
     dd if=/dev/zero of="$(printf '\\n0\\ttotal\\n1')" bs=1M count=2; : > "$(printf '\\377\\376')"; : > -rf; : > '$(reboot)'
     ln -s /etc passwd; ln -s ../../.. up; mkfifo pipe; mkdir shut; echo x > shut/x; chmod 0 shut/x shut; chmod 000 .; sync; echo made`,
  );
  expect(made.stdout).toBe('made\n');
  const size = (await listed())?.sizeBytes ?? 0;
  expect(size).toBeGreaterThanOrEqual(2 * MiB);
  expect(size).toBeLessThan(maxBytes);
  const again = await once(
    'ls -A /volumes/data | wc -l; stat -c %a /volumes/data/.; chmod 700 /volumes/data/shut; cat /volumes/data/shut/x',
  );
  expect([again.end.exitCode, again.stdout, again.stderr]).toEqual([
    1,
    expect.stringMatching(/^\d+\n755\n$/),
    expect.stringContaining('Permission denied'),
  ]);
  expect(
    (await once(`cd /volumes/data; mkdir -p a/${half} b/${half} && mv b a/${half} && exec sleep 100`)).end,
  ).toMatchObject({
    cause: 'limit',
    limitsHit: [
      {
        limit: 'disk',
        evidence: expect.stringMatching(/^volume "data" has a folder too deep to be counted/) as string,
      },
    ],
  });
  const [name = ''] = await inEngine(scope.storeId);
  expect(await guest(docker, 'ls -ld /v/passwd | cut -c1', { user: '0:0', volumes: { '/v': name } })).toBe('l\n');
  expect(await server.provider.removeVolume(volume('data'))).toBe(true);
  expect(await inEngine(scope.storeId)).toEqual([]);
});

test('calls to files reach no volume', async () => {
  const sandbox = await withVolumes([volume('data')]);
  await sandbox.sh('echo x > /volumes/data/f; ln -s /volumes/data link; ln -s /volumes/data/f /output/f');
  const files = server.provider.files(sandbox.id);
  for (const path of ['/volumes', '/volumes/data', '/volumes/data/f', '/workspace/link/f']) {
    await expect(files.stat(path)).rejects.toMatchObject({ code: 'SANDBOX008' });
  }
  expect(await files.stat('/output/f')).toMatchObject({ type: 'link' });
  await sandbox.cleanup();
});

test.each([
  ['a name that leaves the folder', [{ ...volume('..'), target: '/volumes/..' }]],
  ['a name with a slash', [volume('a/b')]],
  ['another place', [{ ...volume('data'), target: '/etc' }]],
  ['two of one name', [volume('data'), volume('data')]],
  ['two solutions', [volume('data'), volume('more', { solutionId: 'other' })]],
])('%s is refused, and nothing is made', async (_, volumes) => {
  await expect(withVolumes(volumes)).rejects.toMatchObject({ code: 'SANDBOX008', field: 'volumes' });
  expect(await inEngine(scope.storeId)).toEqual([]);
});

test('a solution has at most 16 volumes, and the sentence names them', async () => {
  const names = Array.from({ length: 16 }, (_, index) => `v${index}`);
  const { stdout } = await once(
    'for v in /volumes/*; do echo > $v/f || exit; done; ls /volumes | wc -l',
    names.map((name) => volume(name)),
  );
  expect(stdout).toBe('16\n');
  await expect(withVolumes([volume('v3'), volume('another')])).rejects.toMatchObject({
    code: 'SANDBOX004',
    message: expect.stringMatching(/at most 16 volumes, and has v0, v1, .*Remove one/) as string,
  });
  expect((await once('echo here', [volume('v3')])).stdout).toBe('here\n');
});

test('what looks for leftovers never removes a volume', async () => {
  const gone = new TestServer();
  const sandbox = await gone.sandbox({}, {}, { volumes: [volume('data')] });
  await sandbox.sh('echo kept > /volumes/data/f');
  expect(await server.provider.reclaim(gone.instanceId)).toBe(1);
  await until('nothing of its sandbox is left', async () => (await gone.leftovers()).length === 0);
  expect(await server.provider.reclaim(null)).toBeGreaterThanOrEqual(0);
  expect((await once('cat /volumes/data/f')).stdout).toBe('kept\n');
  await gone[Symbol.asyncDispose]();
});

test('an engine that is not there is not one without volumes', async () => {
  await using nowhere = new TestServer({ host: 'unix:///nowhere/docker.sock' });
  await expect(nowhere.provider.volumes(scope)).rejects.toMatchObject({ code: 'SANDBOX001' });
  await expect(nowhere.provider.removeVolume(volume('data'))).rejects.toMatchObject({ code: 'SANDBOX001' });
});
