import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SandboxFactory, SandboxRunner } from '@ergon/sandbox-core';
import { TestServer } from './support/server.js';

jest.setTimeout(300_000);

const repository = join(__dirname, '../../..');
const folder = join(repository, 'examples/solutions/guest-book');
const unit = JSON.parse(readFileSync(join(folder, 'solution.json'), 'utf8')) as { content: Record<string, unknown> };
const texts = readdirSync(folder).filter((name) => name.endsWith('.py'));
const files = Object.fromEntries(texts.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

let server: TestServer;
let runner: SandboxRunner;
beforeAll(async () => {
  execFileSync('bash', [join(repository, 'tools/service-images.sh')], { stdio: ['ignore', 'ignore', 'inherit'] });
  server = new TestServer();
  runner = await SandboxRunner.start({
    dataDir: join(server.home, 'data'),
    factory: new SandboxFactory().register(server.provider),
    registry: {
      getSolution: (id) => Promise.resolve({ id, name: id, version: '1', content: { ...unit.content, files } }),
      recordTestResult: () => Promise.resolve(),
    },
  });
});
afterAll(async () => {
  await runner.close();
  await server[Symbol.asyncDispose]();
});

/** What a request says otherwise, so that the example runs with images that are here. */
const services = {
  db: { image: 'ergon-test/postgres:1' },
  cache: { image: 'ergon-test/redis:1' },
};

test('the example keeps its guest book in a real PostgreSQL and a real Redis, and a second execution finds what the first left', async () => {
  const sandbox = await runner.open('guest-book', { services });
  const first = await (await sandbox.execute()).result;
  expect(first).toMatchObject({ status: 'completed', exitCode: 0, errors: [], stderr: '' });
  expect(first.stdout).toBe(
    [
      'The guest book, opened 1 time',
      '  Ada      1  “Punched cards were never this quick.”',
      '  Alan     1  “Can it think?”',
      '  Grace    1  “I left a moth in your relay.”',
      '',
    ].join('\n'),
  );
  const second = await (await sandbox.execute()).result;
  expect(second.stdout).toContain('The guest book, opened 2 times\n  Ada      2  ');
  await sandbox.cleanup();
  expect(await server.leftovers()).toEqual([]);
});

test("what the services say is in the log of the run, and PostgreSQL's own words tell why it does not come up", async () => {
  const sandbox = await runner.open('guest-book', { services });
  const execution = await sandbox.execute();
  const said: string[] = [];
  for await (const batch of execution.events()) {
    for (const event of batch)
      if (event.type === 'service' && 'text' in event) said.push(`${event.service}: ${event.text}`);
  }
  expect(said.join('\n')).toMatch(/^db: .*database system is ready to accept connections$/m);
  expect(said.join('\n')).toMatch(/^cache: .*Ready to accept connections/m);
  await sandbox.cleanup();

  const without = { ...services, db: { ...services.db, environment: { POSTGRES_PASSWORD: '' } } };
  const failing = await runner.open('guest-book', { services: without });
  const { status, cause, errors } = await (await failing.execute()).result;
  expect({ status, cause }).toEqual({ status: 'failed', cause: 'not-started' });
  expect(errors).toEqual([
    'The command was not started: The service "db" ended with 1. Its last lines: Error: Database is uninitialized and superuser password is not specified.',
  ]);
  await failing.cleanup();
});
