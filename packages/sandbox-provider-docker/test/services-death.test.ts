import { rmSync } from 'node:fs';
import { ChildServer } from './support/child.js';
import { docker, leftovers } from './support/engine.js';
import { TestServer } from './support/server.js';
import { answering, ask, Told } from './support/services.js';
import { until } from './support/until.js';

jest.setTimeout(180_000);

const server = new TestServer();
afterAll(() => server[Symbol.asyncDispose]());

test.each([
  ['as the first container is made', 'never', 'server'],
  ['as a service starts', 'never', 'late starting'],
  ['while one is up and another is waited for', 'never', 'up healthy'],
  ['when all are up', 'up', 'ready'],
])(
  'a server killed %s: its services end by themselves, whatever they do, and a later one removes all of it',
  async (_, what, moment) => {
    const child = new ChildServer('child-services.ts', [what]);
    const { instanceId, home } = await child.hears('server');
    const id = String(instanceId);
    if (moment === 'server') await until('something is there', async () => (await leftovers(id)).length > 0);
    else await child.hears(moment);
    await child.kill();
    rmSync(String(home), { recursive: true });
    const running = async (): Promise<boolean> => (await leftovers(id)).some((line) => line.endsWith(' running'));
    await until('nothing of it runs', async () => !(await running()));
    await server.provider.reclaim(id);
    expect(await leftovers(id)).toEqual([]);
  },
);

test('without the container that holds them no service runs on, and the sandbox says so', async () => {
  const told = new Told();
  const services = { db: answering('x', 5000) };
  const sandbox = await server.sandbox({}, {}, { image: 'ergon-test/debian:1', services, report: told.report });
  await docker.getContainer(`ergon-${sandbox.id}-services`).kill();
  await until('its end is told', () => told.outline.includes('db ended'));
  const { end } = await sandbox.run(ask('db:5000'));
  expect(end.exitCode === 0 || end.cause === 'not-started').toBe(true);
  await sandbox.cleanup();
  expect(await server.leftovers()).toEqual([]);
});
