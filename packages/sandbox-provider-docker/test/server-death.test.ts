import { rmSync } from 'node:fs';
import { ChildServer } from './support/child.js';
import { docker, leftovers } from './support/engine.js';
import { StubbornEngine } from './support/stubborn-engine.js';
import { TestServer } from './support/server.js';
import { until } from './support/until.js';

jest.setTimeout(180_000);

let server: TestServer;
beforeAll(() => {
  server = new TestServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** A child that is killed, by SIGKILL, when it comes to `moment`; its instance's name. */
async function killed(
  script: string,
  moment: (child: ChildServer, instanceId: string) => Promise<unknown>,
): Promise<string> {
  const child = new ChildServer('child-server.ts', [script, '3']);
  const { instanceId, home } = await child.hears('server');
  await moment(child, String(instanceId));
  await child.kill();
  rmSync(String(home), { recursive: true });
  return String(instanceId);
}

const has = async (instanceId: string, what: RegExp): Promise<boolean> =>
  (await leftovers(instanceId)).some((line) => what.test(line));

const moments: [string, (child: ChildServer, instanceId: string) => Promise<unknown>][] = [
  ['with the first volume made', (_, id) => until('a volume', () => has(id, /^volume/))],
  ['with the first container made', (_, id) => until('a container', () => has(id, /^container/))],
  ['with the first container running', (_, id) => until('a container', () => has(id, /-run-.* running/))],
  ['when it is ready', (child) => child.hears('ready')],
  ['while its program runs', (child) => child.hears('output')],
  ['as it begins to clean', (child) => child.hears('cleaning')],
];

test.each(moments)(
  'a server killed %s: its programs end by themselves, and a later one removes all of it',
  async (_, moment) => {
    const script =
      'echo up; trap "" TERM HUP INT; (setsid sh -c "trap \'\' TERM; while :; do sleep 1; done" &); sleep 2';
    const instanceId = await killed(script, moment);
    await until('nothing of it runs', async () => !(await has(instanceId, / running$/)), 30_000);
    await server.provider.reclaim(instanceId);
    expect(await leftovers(instanceId)).toEqual([]);
    expect(await server.provider.reclaim(instanceId)).toBe(0);
  },
);

test('what a dead server of this machine left is found without its name; what lives, and what another machine’s has, stays', async () => {
  const dead = await killed('true', (child) => child.hears('ready'));
  const alive = await server.sandbox();
  const labels = {
    'org.ergon.sandbox.instance': 'deadbeef-1-1-abcd', // of another boot: nothing is known of it here
    'org.ergon.sandbox.sandbox': 'far',
    'ergon-test': 'far',
  };
  await docker.createVolume({ Name: 'ergon-far-workspace', Labels: labels });
  try {
    expect(await server.provider.reclaim(null)).toBeGreaterThanOrEqual(3);
    expect(await leftovers(dead)).toEqual([]);
    expect((await alive.sh('echo alive')).stdout).toBe('alive\n');
    expect((await docker.getVolume('ergon-far-workspace').inspect()).Labels).toEqual(labels);
  } finally {
    await docker.getVolume('ergon-far-workspace').remove();
  }
  await alive.cleanup();
});

test('what somebody made of a sandbox, labels and all, is not ours: neither a cleanup nor a dead server takes it away', async () => {
  const sandbox = await server.sandbox();
  const label = [`org.ergon.sandbox.sandbox=${sandbox.id}`, 'org.ergon.sandbox.role=run'];
  const [run] = await docker.listContainers({ filters: { label } });
  const labels = (await docker.getContainer(run?.Id ?? '').inspect()).Config.Labels;
  await docker.getContainer(run?.Id ?? '').commit({ repo: 'ergon-test/committed', tag: '1' });
  const theirs = await docker.createContainer({ Image: 'ergon-test/committed:1', name: 'ergon-test-theirs' });
  const volume = await docker.createVolume({ Name: 'ergon-test-theirs', Labels: labels });
  const network = await docker.createNetwork({ Name: 'ergon-test-theirs', Labels: labels });
  try {
    expect((await theirs.inspect()).Config.Labels).toMatchObject(labels);
    expect(await sandbox.cleanup()).toBe(true);
    await server.provider.reclaim(server.instanceId);
    expect((await leftovers(server.instanceId)).sort()).toEqual([
      'container /ergon-test-theirs created',
      'network ergon-test-theirs',
      'volume ergon-test-theirs',
    ]);
  } finally {
    for (const each of [theirs, volume, network]) await each.remove();
    await docker.getImage('ergon-test/committed:1').remove();
  }
});

test('what stays though its removal was confirmed is tried for a time and not without pause, and then told by its name', async () => {
  const instanceId = await killed('true', (child) => child.hears('ready'));
  {
    await using engine = await StubbornEngine.listen();
    await using far = new TestServer({ host: engine.host });
    const started = performance.now();
    await expect(far.provider.reclaim(instanceId)).rejects.toMatchObject({
      code: 'SANDBOX011',
      message: expect.stringMatching(
        / still has (ergon-\S+, ){4}ergon-\S+ and 4 more after 10 s .*lists them/,
      ) as string,
    });
    expect(performance.now() - started).toBeLessThan(30_000);
    expect(engine.asked).toBeLessThan(9 * 30);
  }
  expect(await server.provider.reclaim(instanceId)).toBe(3);
  expect(await leftovers(instanceId)).toEqual([]);
});
