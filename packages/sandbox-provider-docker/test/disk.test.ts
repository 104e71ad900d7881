import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger, type LimitHit } from '@ergon/sandbox-core';
import Dockerode from 'dockerode';
import { packFolder } from '../src/archive/index.js';
import { connect, resolveEndpoint } from '../src/connect/index.js';
import { Keeper, type KeeperOptions, probeVolumeSize, watchDisk } from '../src/disk/index.js';
import { withComplaint } from '../src/disk/keeper.js';
import { Engine } from '../src/engine/engine.js';
import { heldEngine } from './support/held-engine.js';
import { until } from './support/until.js';
import { dockerOptions, DockerProvider } from '../src/index.js';
import { busybox } from './support/echo.js';
import { guest, startGuest } from './support/guest.js';

const docker = connect(resolveEndpoint());
const MiB = 1024 * 1024;
const labels = { 'ergon-test.run': randomUUID() };
let volumes: Record<string, string>;
let keeper: Keeper;

const open = (more: Partial<KeeperOptions> = {}): Promise<Keeper> =>
  Keeper.open(docker, {
    name: `ergon-test-${randomUUID()}`,
    labels,
    image: busybox,
    volumes,
    measured: ['/workspace', '/output'],
    securityOpt: ['no-new-privileges'],
    ...more,
  });

async function ours(): Promise<string[]> {
  const list = await docker.listContainers({
    all: true,
    filters: { label: Object.entries(labels).map((pair) => pair.join('=')) },
  });
  return list.map(({ Id }) => Id);
}

beforeEach(async () => {
  const names = [randomUUID(), randomUUID()] as const;
  volumes = { '/workspace': names[0], '/output': names[1] };
  for (const name of names) await docker.createVolume({ Name: name, Labels: labels });
  keeper = await open();
  const empty = mkdtempSync(join(tmpdir(), 'ergon-disk-'));
  for (const prefix of ['workspace', 'output'])
    await keeper.put('/', packFolder(empty, { uid: 12345, gid: 12345, prefix }));
  rmSync(empty, { recursive: true });
  await keeper.start();
});
afterEach(async () => {
  await keeper.close();
  for (const name of Object.values(volumes)) await docker.getVolume(name).remove();
  expect(await ours()).toEqual([]);
});

test('blocks count that are allocated, in both folders, each file once, and no sizes', async () => {
  const before = await keeper.use();
  await guest(
    docker,
    'cd /workspace; truncate -s 1000G sparse; dd if=/dev/zero of=a bs=1M count=3; ln a b; dd if=/dev/zero of=/output/c bs=1M count=5; sync',
    { volumes },
  );
  const { bytes, files } = await keeper.use();
  expect(bytes - before.bytes).toBeGreaterThanOrEqual(8 * MiB);
  expect(bytes - before.bytes).toBeLessThan(8.1 * MiB);
  expect(files - before.files).toBe(3);
});

test('nothing that a guest does to its folders hides what they hold', async () => {
  await guest(
    docker,
    `cd /workspace; mkdir shut; dd if=/dev/zero of=shut/x bs=1M count=7; chmod 0 shut/x shut; ln -s / link
     dd if=/dev/zero of="$(printf '\\n0\\ttotal\\n1')" bs=1M count=2; sync`,
    { volumes },
  );
  expect(await keeper.usedBytes()).toBeGreaterThanOrEqual(9 * MiB);
});

test('folders nested deeper than a path can name are said to be uncountable, never left out of a count', async () => {
  // The path of each half can be named, that of both together can't.
  const half = `${'d'.repeat(200)}/`.repeat(15);
  const deep = `cd /workspace && mkdir -p a/${half} b/${half} && dd if=/dev/zero of=b/${half}x bs=1M count=9 && mv b a/${half} && echo made`;
  expect(await guest(docker, deep, { volumes })).toContain('made');
  const use = keeper.use().then(({ uncountable }) => uncountable ?? keeper.use().then((again) => again.uncountable));
  expect(await use).toMatch(/File name too long$/);
});

test('files that come and go while they are counted disturb nothing', async () => {
  await using busy = await startGuest(
    docker,
    'cd /workspace; while :; do for i in 1 2 3 4 5 6 7 8 9; do mkdir -p d$i/e; echo > d$i/e/f; done; rm -rf d*; done',
    { volumes },
  );
  for (let look = 0; look < 100; look++) expect((await keeper.use()).bytes).toBeLessThan(MiB);
  expect((await busy.container.inspect()).State.Running).toBe(true);
});

/** The watch's own end. */
function watched(limitBytes: number): { end: Promise<LimitHit>; stop: () => void } {
  let stop = (): void => undefined;
  const end = new Promise<LimitHit>((resolve, reject) => {
    stop = watchDisk(keeper, limitBytes, resolve, reject);
  });
  return { end, stop };
}

test('a program that writes more than the limit is told soon', async () => {
  const { end } = watched(20 * MiB);
  await using writer = await startGuest(docker, 'dd if=/dev/zero of=/output/x bs=1M count=40; exec sleep 100', {
    volumes,
  });
  const started = performance.now();
  expect(await end).toEqual({
    limit: 'disk',
    value: 20 * MiB,
    evidence: expect.stringMatching(/^\d+ bytes in \d+ files, counted$/) as string,
  });
  expect(performance.now() - started).toBeLessThan(10_000);
  expect((await writer.container.inspect()).State.Running).toBe(true);
});

test('so is one that makes empty files without end: each takes as much of the limit as a block', async () => {
  const { end } = watched(8 * MiB);
  await using writer = await startGuest(docker, 'cd /workspace; i=0; while :; do : > $i; i=$((i+1)); done', {
    volumes,
  });
  const { limit, evidence } = await end;
  expect((await writer.container.inspect()).State.Running).toBe(true);
  const [bytes = 0, files = 0] = (evidence.match(/\d+/g) ?? []).map(Number);
  expect([limit, bytes]).toEqual(['disk', files * 4096]);
});

test('a watch whose keeper is gone says so', async () => {
  const { end } = watched(20 * MiB);
  const ending = expect(end).rejects.toMatchObject({
    code: 'SANDBOX011',
    message: expect.stringContaining('ended') as string,
  });
  await keeper.container.kill();
  await ending;
});

test('a watch that cannot see for three quarters of a minute says so', async () => {
  const { end } = watched(20 * MiB);
  const ending = expect(end).rejects.toMatchObject({
    code: 'SANDBOX011',
    message: expect.stringContaining('takes longer than 45 s') as string,
  });
  await keeper.container.pause();
  await ending;
  await keeper.container.unpause();
  expect(await keeper.usedBytes()).toBeLessThan(MiB);
});

test('a watch that is stopped says nothing any more', async () => {
  const { end, stop } = watched(20 * MiB);
  stop();
  await guest(docker, 'dd if=/dev/zero of=/workspace/x bs=1M count=30', { volumes });
  await keeper.container.kill();
  expect(await Promise.race([end.catch(() => 'failed'), delay(500, 'nothing')])).toBe('nothing');
});

test('an image that is not there, or has no sh, or no du, is refused', async () => {
  await expect(open({ image: 'ergon-test/nowhere:1' })).rejects.toMatchObject({
    code: 'SANDBOX001',
    message: expect.stringContaining('docker pull ergon-test/nowhere:1') as string,
  });
  for (const [from, missing] of [
    [busybox, '/bin/sh'],
    ['ergon-test/debian:1', '/usr/bin/du'],
  ] as const) {
    const [repo, tag] = ['ergon-test/lame', randomUUID()] as const;
    const maker = await docker.createContainer({
      Image: from,
      Cmd: ['rm', missing],
      HostConfig: { NetworkMode: 'none' },
    });
    await maker.start();
    await maker.wait();
    await maker.commit({ repo, tag });
    await maker.remove();
    const lame = await open({ image: `${repo}:${tag}` });
    try {
      await expect(lame.start()).rejects.toMatchObject({
        code: 'SANDBOX001',
        message: expect.stringContaining(`${repo}:${tag}`) as string,
      });
    } finally {
      await lame.close();
      await docker.getImage(`${repo}:${tag}`).remove();
    }
  }
});

test('a preparation that is cancelled leaves no keeper', async () => {
  const before = await ours();
  await expect(open({ signal: AbortSignal.abort(new Error('no longer wanted')) })).rejects.toThrow('no longer wanted');
  const abort = new AbortController();
  const opening = open({ signal: abort.signal });
  abort.abort(new Error('no longer wanted'));
  await expect(opening).rejects.toThrow('no longer wanted');
  expect(await ours()).toEqual(before);
});

test('a keeper has no network, no new privileges, and no capability but one', async () => {
  const { Id } = (
    await docker.listContainers({ filters: { label: Object.entries(labels).map((pair) => pair.join('=')) } })
  )[0] ?? { Id: '' };
  const exec = await docker.getContainer(Id).exec({
    Cmd: ['sh', '-c', 'ls /sys/class/net; grep -E "Cap(Eff|Bnd|Amb)|NoNewPrivs" /proc/1/status'],
    AttachStdout: true,
    Tty: true,
  });
  const stream = await exec.start({ Tty: true });
  let said = '';
  for await (const chunk of stream) said += String(chunk);
  expect(said.split(/\s+/)).toEqual([
    'lo',
    'CapEff:',
    '0000000000000002',
    'CapBnd:',
    '0000000000000002',
    'CapAmb:',
    '0000000000000000',
    'NoNewPrivs:',
    '1',
    '',
  ]);
});

test('an engine on this filesystem says whether it bounds volumes, and the question leaves none', async () => {
  const count = async (): Promise<number> =>
    (await docker.listVolumes({ filters: { label: ['org.ergon.sandbox.sandbox=probe'] } })).Volumes.length;
  const sized = await probeVolumeSize(new Engine(docker), 20_000);
  const { DriverStatus } = (await docker.info()) as { DriverStatus: string[][] };
  const filesystem = DriverStatus.find(([key]) => key === 'Backing Filesystem')?.[1];
  if (filesystem === 'xfs') expect([true, false]).toContain(sized);
  else expect(sized).toBe(false);
  await until('nothing is left of it', async () => (await count()) === 0, 20_000);
});

test('an engine that holds the question for its volumes is asked no longer than the caller waits, and not at all judged', async () => {
  await using held = await heldEngine('/volumes/create');
  const engine = new Engine(new Dockerode({ socketPath: held.socket }));
  expect(await probeVolumeSize(engine, 500)).toBeNull();
  const started = performance.now();
  await using provider = new DockerProvider(dockerOptions.parse({ host: `unix://${held.socket}` }), {
    logger: silentLogger,
    stateDir: tmpdir(),
  });
  const probe = await provider.probe();
  expect(probe).toMatchObject({ available: true, capabilities: { limits: { disk: 'best-effort' } } });
  expect(performance.now() - started).toBeLessThan(20_000);
  await expect(probeVolumeSize(engine, 20_000, AbortSignal.timeout(300))).rejects.toMatchObject({
    name: 'TimeoutError',
  });
});

test('a complaint of a tool that writes names as they are is judged by its end', () => {
  const left = (...lines: string[]): string[] => lines.reduce<string[]>(withComplaint, []);
  expect(left('du: /workspace/d/a', '0: No such file or directory')).toEqual([]);
  expect(left('du: /workspace/d/a', '', 'b: Not a directory', 'du: /workspace/c: Not a directory')).toEqual([]);
  expect(left('du: /workspace/c: Input/output error', 'du: /workspace/a', 'b: Not a directory')).toEqual([
    'du: /workspace/c: Input/output error',
  ]);
});

test('folders whose names hold newlines come and go, and BusyBox counts on', async () => {
  await using busy = await startGuest(
    docker,
    'cd /workspace; n="a\n0"; n=$(printf "$n"); while :; do for i in 1 2 3 4 5 6 7 8 9; do mkdir -p "d$i/$n/$n"; done; rm -rf d*; done',
    { volumes },
  );
  for (let look = 0; look < 100; look++) expect((await keeper.use()).bytes).toBeLessThan(MiB);
  expect((await busy.container.inspect()).State.Running).toBe(true);
});
