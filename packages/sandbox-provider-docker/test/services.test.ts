import { answering, ask, service, Told } from './support/services.js';
import { loadForeign } from './support/foreign-image.js';
import { removeImages } from './support/made-image.js';
import { DEBIAN, TestServer } from './support/server.js';
import { until } from './support/until.js';

jest.setTimeout(180_000);

let server: TestServer;
beforeAll(() => {
  server = new TestServer();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  expect(await server.leftovers()).toEqual([]);
});

const image = DEBIAN;

test('services are up before the program starts, are reached by name in every execution, and go with the sandbox', async () => {
  const told = new Told();
  const services = { db: answering('of db', 5000), cache: answering('of cache', 6000) };
  const sandbox = await server.sandbox({}, {}, { image, services, report: told.report });
  expect(told.outline.filter((each) => each.startsWith('db'))).toEqual([
    'db starting',
    'db stdout: listening',
    'db healthy',
  ]);
  expect(told.outline).toContain('cache healthy');
  expect(told.reports).toContainEqual({ type: 'progress', phase: 'services', done: 2, total: 2 });
  for (let n = 0; n < 2; n++) {
    const { stdout, stderr } = await sandbox.run(ask('db:5000', 'cache:6000', 'localhost:5000'));
    expect({ stdout, stderr }).toEqual({
      stdout: 'db:5000 of db\ncache:6000 of cache\nlocalhost:5000 of db\n',
      stderr: '',
    });
  }
  await sandbox.cleanup();
});

test('a service has no rights: neither root, nor a capability, nor a disk, whatever its image says', async () => {
  const script =
    'id -u; grep -E "CapEff|CapBnd|NoNewPrivs|Seccomp:" /proc/self/status; touch /x /etc/y; touch /tmp/a /run/b /more/c && echo written';
  const told = new Told();
  const config = service(`${script}; exec sleep 1000`, { tmpfs: ['/more'] });
  const sandbox = await server.sandbox({}, {}, { image, services: { root: config }, report: told.report });
  const lines = told.services.flatMap((each) => ('text' in each ? [each.text.replaceAll(/\s+/g, ' ')] : []));
  expect(Number(lines[0])).toBeGreaterThan(20_000);
  expect(lines).toEqual(
    expect.arrayContaining([
      'CapBnd: 0000000000000000',
      'CapEff: 0000000000000000',
      'NoNewPrivs: 1',
      'Seccomp: 2',
      "touch: cannot touch '/x': Read-only file system",
      'written',
    ]),
  );
  const own = await sandbox.run(['id', '-u']);
  expect(own.stdout.trim()).not.toBe(lines[0]);
  await sandbox.cleanup();
});

test('a service that ends before it is up fails the preparation, with its exit code and last lines, and nothing is left', async () => {
  const services = { db: service('echo one; echo "no such table" >&2; exit 3'), slow: service('sleep 1000') };
  await expect(server.sandbox({}, {}, { image, services })).rejects.toMatchObject({
    code: 'SANDBOX011',
    message: expect.stringMatching(/^The service "db" ended with 3\. Its last lines: .*no such table/) as string,
  });
  expect(await server.leftovers()).toEqual([]);
});

test('a service whose check never succeeds is given up when its time is over, with what the check said', async () => {
  const healthcheck = { test: ['sh', '-c', 'echo not yet; exit 7'], intervalMs: 500, retries: 2 };
  const services = { db: service('echo begun; sleep 1000', { healthcheck }) };
  await expect(server.sandbox({}, {}, { image, services })).rejects.toMatchObject({
    code: 'SANDBOX011',
    message: 'The service "db" is not up: its check ended with 7: not yet, 1 s after its start. Its last lines: begun',
  });
});

test('a check that hangs, or cannot be run, is a failed one', async () => {
  const hangs = { test: ['sleep', '1000'], timeoutMs: 300, intervalMs: 100, retries: 1 };
  const services = { db: service('sleep 1000', { healthcheck: hangs }) };
  await expect(server.sandbox({}, {}, { image, services })).rejects.toMatchObject({
    message: expect.stringContaining('its check took longer than 0.3 s') as string,
  });
  const missing = { test: ['/no/such/program'], intervalMs: 100, retries: 1 };
  await expect(
    server.sandbox({}, {}, { image, services: { db: service('sleep 1000', { healthcheck: missing }) } }),
  ).rejects.toMatchObject({ message: expect.stringMatching(/is not up: its check .*\/no\/such\/program/) as string });
});

test('a service that dies while a program runs is told, and told again to the next execution', async () => {
  const told = new Told();
  const mortal = [
    'import socket',
    'server = socket.create_server(("", 5000))',
    'while server.accept()[0].recv(9) != b"die": pass',
    'print("bye", flush=True); exit(4)',
  ].join('\n');
  const services = { db: answering('', 5000, { command: ['python3', '-c', mortal] }) };
  const sandbox = await server.sandbox({}, {}, { image, services, report: told.report });
  const kill = 'import socket; s = socket.create_connection(("db", 5000)); s.sendall(b"die"); s.recv(1)';
  const { end } = await sandbox.run(['python3', '-c', kill]);
  expect(end.exitCode).toBe(0);
  await until('its end is told', () => told.outline.includes('db ended'));
  expect(told.outline.slice(-2)).toEqual(['db stdout: bye', 'db ended']);
  expect(told.services.at(-1)).toMatchObject({ exitCode: 4, message: 'The service "db" ended with 4.' });
  const before = told.outline.filter((each) => each === 'db ended').length;
  expect((await sandbox.sh('echo still')).stdout).toBe('still\n');
  expect(told.outline.filter((each) => each === 'db ended')).toHaveLength(before + 1);
  await sandbox.cleanup();
});

test('the memory limit of a service ends the service alone, and is told', async () => {
  const told = new Told();
  const grow = 'import socket\nsocket.create_server(("", 5000)).accept()\nx = bytearray(300 << 20)';
  const services = {
    db: service('', { command: ['python3', '-c', grow], limits: { memoryBytes: 64 << 20, cpus: 1, pids: 8 } }),
  };
  const sandbox = await server.sandbox({}, {}, { image, services, report: told.report });
  const poke =
    'import socket, time\nwhile True:\n  try: socket.create_connection(("db", 5000)).recv(1); break\n  except OSError: time.sleep(0.1)';
  const { end } = await sandbox.run(['python3', '-c', poke]);
  expect(end).toMatchObject({ cause: 'exited', exitCode: 0, limitsHit: [] });
  await until('its end is told', () => told.outline.includes('db ended'));
  expect(told.sentence('ended')).toBe('The service "db" hit its memory limit of 64 MiB and ended with 137.');
  await sandbox.cleanup();
});

test('a service that writes without end fills no log, holds nothing up, and each execution gets some of it', async () => {
  const told = new Told();
  const services = { flood: service('exec yes "a line of the flood"') };
  const sandbox = await server.sandbox({}, {}, { image, services, report: told.report });
  const flood = (): number => told.services.filter((each) => 'text' in each).length;
  await until('the first budget is spent', () => told.reports.some(({ type }) => type === 'notice'));
  expect(flood()).toBeLessThanOrEqual(600);
  const first = flood();
  expect((await sandbox.sh('echo ran')).stdout).toBe('ran\n');
  await until('the second budget is spent', () => told.reports.filter(({ type }) => type === 'notice').length === 2);
  expect(flood()).toBeGreaterThan(first + 200);
  const bytes = Buffer.byteLength(told.reports.map((each) => JSON.stringify(each)).join('\n'));
  expect(bytes).toBeLessThan(6 << 20);
  const had = flood();
  expect((await sandbox.sh('echo ran')).stdout).toBe('ran\n');
  await until('the third begins', () => flood() > had);
  await sandbox.cleanup();
});

test('a line without end is told in parts', async () => {
  const told = new Told();
  const services = { long: service('tr "\\0" x < /dev/zero') };
  const sandbox = await server.sandbox({}, {}, { image, services, report: told.report });
  await until('two parts have come', () => told.services.filter((each) => 'partial' in each).length > 1);
  const [part] = told.services.flatMap((each) => ('partial' in each ? [each.text] : []));
  expect(part).toBe('x'.repeat(16 * 1024));
  await sandbox.cleanup();
});

test('two sandboxes with services of the same names and ports reach their own', async () => {
  const [one, two] = await Promise.all(
    ['one', 'two'].map((word) => server.sandbox({}, {}, { image, services: { db: answering(word, 5000) } })),
  );
  expect((await one?.run(ask('db:5000')))?.stdout).toBe('db:5000 one\n');
  expect((await two?.run(ask('db:5000')))?.stdout).toBe('db:5000 two\n');
  await Promise.all([one?.cleanup(), two?.cleanup()]);
});

test('a sandbox that is removed while its services start leaves nothing', async () => {
  const told = new Told();
  const healthcheck = { test: ['false'] };
  const config = server.config(
    {},
    { image, services: { db: service('sleep 1000', { healthcheck }) }, report: told.report },
  );
  const preparing = server.provider.prepare('solution', server.solution({}), config);
  preparing.catch(() => undefined); // looked at below
  await until('it starts', () => told.outline.includes('db starting'));
  await server.provider.cleanup(config.sandboxId);
  await expect(preparing).rejects.toMatchObject({ code: 'SANDBOX011' });
  expect(await server.leftovers()).toEqual([]);
});

test('what cannot be is refused with a sentence before anything is made', async () => {
  const probe = await server.provider.probe();
  const refusals = (more: Parameters<TestServer['config']>[1]): string[] =>
    server.provider.check(server.config({}, more), probe).map(({ field, message }) => `${field}: ${message}`);
  expect(refusals({ services: { db: service('true') } })).toEqual([]);
  expect(refusals({ services: { db: service('true', { image: 'no/such:1' }) } })).toEqual([
    'services: The Docker engine does not have the image "no/such:1" of the service "db". Get it with "docker pull no/such:1".',
  ]);
  expect(refusals({ services: { db: service('true') }, runtime: 'other' })).toEqual([
    'runtime: Runtime "other" is not supported here.',
    'services: Services are not supported with a runtime of its own.',
  ]);
  const { environment, healthcheck, tmpfs, limits } = service('');
  await loadForeign('ergon-test/silent:1');
  const silence = server.sandbox(
    {},
    {},
    { image, services: { db: { image: 'ergon-test/silent:1', environment, healthcheck, tmpfs, limits } } },
  );
  await expect(silence).rejects.toMatchObject({
    code: 'SANDBOX008',
    message:
      'The image "ergon-test/silent:1" of the service "db" does not say what to run: give the service a command.',
  });
  await removeImages('ergon-test/silent:1');
});
