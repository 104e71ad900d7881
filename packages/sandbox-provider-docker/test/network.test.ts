import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { newInstanceId } from '@ergon/sandbox-core';
import { connect, resolveEndpoint } from '../src/connect/index.js';
import { Engine } from '../src/engine/engine.js';
import { labelsOf } from '../src/names.js';
import { type NetworkOptions, openNetwork, type SandboxNetwork } from '../src/network/index.js';
import { removeSandbox } from '../src/reclaim.js';
import { busybox } from './support/echo.js';
import { guest, type RunningGuest, startGuest } from './support/guest.js';
import { debian, hostAddresses, link, publicAddress, reached, serve, serveNames } from './support/neighbours.js';
import { DEBIAN, TestServer } from './support/server.js';
import { until } from './support/until.js';

const docker = connect(resolveEndpoint());
const instanceId = newInstanceId();
let host: RunningGuest;
let beyond: RunningGuest;
let network: SandboxNetwork;

function open(more: Partial<NetworkOptions> = {}): Promise<SandboxNetwork> {
  const sandboxId = randomUUID();
  const labels = labelsOf({ instanceId, sandboxId, ownerId: 'o' }, 'network');
  return openNetwork(docker, {
    sandboxId,
    labels,
    image: debian,
    // The others of the host's are in ranges that are closed anyway.
    hostAddresses: ['203.0.113.1'],
    securityOpt: ['no-new-privileges'],
    ...more,
  });
}

/** All that this test's networks have in the engine. */
async function ours(instance = instanceId): Promise<string[]> {
  const filters = { label: [`org.ergon.sandbox.instance=${instance}`] };
  const [containers, networks] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
  ]);
  return [...containers.map(({ Id }) => Id), ...networks.map(({ Id }) => Id)];
}

/** The addresses of a network's gateway and of its only container. */
async function addressesOf({
  networkMode,
}: SandboxNetwork): Promise<{ gateway: string; address: string; broadcast: string }> {
  const { NetworkSettings } = await docker.getContainer(networkMode.replace('container:', '')).inspect();
  const { Gateway: gateway, IPAddress: address } = Object.values(NetworkSettings.Networks)[0] ?? {
    Gateway: '',
    IPAddress: '',
  };
  return { gateway, address, broadcast: address.replace(/\d+\.\d+$/, '255.255') };
}

/** What was made, last first. */
const undo: (() => PromiseLike<unknown>)[] = [];

beforeAll(async () => {
  host = await serve('host');
  undo.unshift(() => host[Symbol.asyncDispose]());
  beyond = await serve('none');
  undo.unshift(() => beyond[Symbol.asyncDispose]());
  undo.unshift(await link(beyond));
  network = await open();
  undo.unshift(() => network.close());
});
afterAll(async () => {
  for (const each of undo) await each();
  expect(await ours()).toEqual([]);
});

test("what is public is reached, and no address of the host's, of its metadata services, or of its private networks, however the socket is bound", async () => {
  const { gateway, broadcast } = await addressesOf(network);
  const addresses = [
    publicAddress,
    ...hostAddresses,
    gateway,
    broadcast,
    '172.17.0.1',
    '255.255.255.255',
    '224.0.0.1',
    '0.0.0.0',
    '127.0.0.1',
  ];
  // The test's own proof: from an ordinary network of the engine they are.
  const plain = await docker.createNetwork({ Name: `ergon-test-${randomUUID()}` });
  try {
    expect(await reached(plain.id, 7777, [publicAddress, ...hostAddresses, '255.255.255.255', '224.0.0.1'])).toEqual([
      publicAddress,
      ...hostAddresses,
      '255.255.255.255',
      '224.0.0.1',
    ]);
  } finally {
    await plain.remove();
  }
  expect(await reached(network.networkMode, 7777, addresses)).toEqual([publicAddress]);
  // Whoever the image says: without a capability root is nobody.
  expect(await reached(network.networkMode, 7777, addresses, '0:0')).toEqual([publicAddress]);
});

test("the host's loopback is not the sandbox's, and the sandbox has its own", async () => {
  expect(await reached('host', 7778, ['127.0.0.1'])).toEqual(['127.0.0.1']);
  expect(await reached(network.networkMode, 7778, ['127.0.0.1'])).toEqual([]);
  const own = await serve(network.networkMode);
  try {
    expect(await reached(network.networkMode, 7778, ['127.0.0.1'])).toEqual(['127.0.0.1']);
  } finally {
    await own[Symbol.asyncDispose]();
  }
});

test('two sandboxes do not reach each other, nor does the host reach them', async () => {
  const other = await open();
  const server = await serve(other.networkMode);
  try {
    const { address } = await addressesOf(other);
    expect(await reached(other.networkMode, 7777, [address])).toEqual([address]);
    expect(await reached(network.networkMode, 7777, [address])).toEqual([]);
    expect(await reached('host', 7777, [address])).toEqual([]);
  } finally {
    await server[Symbol.asyncDispose]();
    await other.close();
  }
});

test('nothing is reached through IPv6', async () => {
  const look = 'ip -6 -o address show dev eth0; ip -6 route show dev eth0';
  const container = { networkMode: network.networkMode, image: debian };
  expect((await guest(docker, look, container)).trim()).toBe('');
  expect(
    await reached(network.networkMode, 7777, ['fd00:ec2::254', 'fe80::1%eth0', 'ff02::1%eth0', '2001:db8::1']),
  ).toEqual([]);
});

test('names are resolved by the servers that are named, at their port and no other, wherever they are', async () => {
  const inside = `container:${beyond.container.id}`;
  for (const [server, where] of [
    [publicAddress, inside],
    ['10.98.76.54', 'host'],
  ] as const) {
    const names = await serveNames(where, server);
    const named = await open({ dnsServers: [server] });
    try {
      const lookUp = `python3 -c "import socket; print(socket.gethostbyname('some.where.example'))"`;
      const answer = await guest(docker, lookUp, { networkMode: named.networkMode, image: debian });
      expect(answer.trim()).toBe('203.0.113.9');
      expect(await reached(named.networkMode, 7777, ['10.98.76.54'])).toEqual([]);
    } finally {
      await named.close();
      await names[Symbol.asyncDispose]();
    }
  }
});

test('a sandbox with network full resolves names by the servers of the options, private ones too', async () => {
  await using server = new TestServer({ images: { default: DEBIAN, network: DEBIAN }, dns: ['10.98.76.54'] });
  const names = await serveNames('host', '10.98.76.54');
  try {
    await server.provider.probe();
    const ask = 'import socket; print(socket.gethostbyname("some.where.example"))';
    const { stdout, stderr } = await server.run(['python3', '-c', ask], {}, {}, { network: { mode: 'full' } });
    expect({ stdout, stderr }).toEqual({ stdout: '203.0.113.9\n', stderr: '' });
    expect(await server.leftovers()).toEqual([]);
  } finally {
    await names[Symbol.asyncDispose]();
  }
});

test('what joins cannot open what is closed', async () => {
  const attempts = [
    'ip xfrm policy flush',
    'ip xfrm policy add dst 10.0.0.0/8 dir out action allow priority 1',
    'ip route add 10.0.0.0/8 dev eth0',
    'ip address add 10.1.2.3/8 dev eth0',
    'ip link set eth0 down',
    'echo 1 > /proc/sys/net/ipv4/conf/eth0/disable_xfrm',
    'echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6',
  ];
  for (const user of ['12345:12345', '0:0']) {
    const script = attempts
      .map((attempt) => `if (${attempt}) 2>/dev/null; then echo "done: ${attempt.replaceAll('>', 'to')}"; fi`)
      .join('\n');
    expect(
      await guest(docker, `${script}\necho tried`, { networkMode: network.networkMode, image: debian, user }),
    ).toBe('tried\n');
  }
  expect(await reached(network.networkMode, 7777, ['10.98.76.54'])).toEqual([]);
});

test('the holder is of our hardening, with one capability', async () => {
  const holder = docker.getContainer(network.networkMode.replace('container:', ''));
  const exec = await holder.exec({
    Cmd: ['sh', '-c', 'grep -E "Cap(Eff|Bnd)|NoNewPrivs" /proc/1/status; touch /x'],
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
  });
  let said = '';
  for await (const chunk of await exec.start({ Tty: true })) said += String(chunk);
  expect(said.replace(/\s+/g, ' ')).toMatch(
    /^CapEff: 0000000000001000 CapBnd: 0000000000001000 NoNewPrivs: 1 .*Read-only file system/,
  );
});

test('an image that cannot close the network is refused with what it needs, and nothing is left', async () => {
  const before = await ours();
  await expect(open({ image: busybox })).rejects.toMatchObject({
    code: 'SANDBOX009',
    message: expect.stringMatching(
      /cannot be closed off .*"ergon-test\/busybox:1".*iproute2.*images\.network/,
    ) as string,
  });
  await expect(open({ image: 'ergon-test/nowhere:1' })).rejects.toMatchObject({ code: 'SANDBOX001' });
  await expect(open({ hostAddresses: ['1.2.3.4 dir in'] })).rejects.toMatchObject({ code: 'SANDBOX008' });
  await expect(open({ hostAddresses: ['1.2.3.4/77'] })).rejects.toMatchObject({ code: 'SANDBOX009' });
  expect(await ours()).toEqual(before);
});

test('an opening that is cancelled at any point leaves nothing', async () => {
  const before = await ours();
  for (const after of [0, 30, 100, 200, 300, 400]) {
    const outcome = await open({ signal: AbortSignal.timeout(after) }).then(
      (opened) => opened.close(),
      (error: unknown) => error,
    );
    if (outcome !== undefined) expect(outcome).toMatchObject({ name: 'TimeoutError' });
  }
  expect(await ours()).toEqual(before);
});

test('closing twice is as closing once', async () => {
  const before = await ours();
  const once = await open();
  expect(await ours()).toHaveLength(before.length + 2);
  await once.close();
  await once.close();
  expect(await ours()).toEqual(before);
});

test('a holder ends with its owner, what joined it reaches nothing any more, and the rest is found by its labels', async () => {
  const [instance, sandboxId] = [newInstanceId(), randomUUID()];
  const runner = join(__dirname, '../../sandbox-provider-exec/test/support/run-ts.cjs');
  const owner = spawn(
    process.execPath,
    [runner, join(__dirname, 'support/network-owner.ts'), instance, sandboxId, debian],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const networkMode = line.toString().trim();
  await using joined = await startGuest(docker, 'exec sleep 100', { networkMode, image: debian });
  owner.kill('SIGKILL');
  await until('the holder is gone', async () => (await ours(instance)).length === 1);
  const exec = await joined.container.exec({
    Cmd: ['sh', '-c', `python3 -c "import socket; socket.create_connection(('${publicAddress}', 7777), 1)"`],
    User: '12345',
    AttachStdout: true,
    AttachStderr: true,
    Tty: true,
  });
  let said = '';
  for await (const chunk of await exec.start({ Tty: true })) said += String(chunk);
  expect(said).toMatch(/Network is unreachable|not permitted/);
  await joined.container.kill();
  await removeSandbox(new Engine(docker), instance, sandboxId);
  expect(await ours(instance)).toEqual([]);
});
