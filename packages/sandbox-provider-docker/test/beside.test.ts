import { setTimeout as delay } from 'node:timers/promises';
import { docker } from './support/engine.js';
import { BUSYBOX, DEBIAN, TestServer } from './support/server.js';

const server = new TestServer();
afterAll(() => server[Symbol.asyncDispose]());

test.each([
  ['Debian', DEBIAN],
  ['BusyBox', BUSYBOX],
])('commands and calls to files beside each other all work, with the tools of %s', async (_, image) => {
  const sandbox = await server.sandbox({ 'a.txt': 'a' }, {}, { image });
  const files = server.provider.files(sandbox.id);
  for (let round = 0; round < 4; round += 1) {
    const [run, list, stat] = await Promise.all([
      sandbox.run(['sh', '-c', 'exit 3']),
      files.list('/workspace'),
      files.stat('/workspace/a.txt'),
    ]);
    expect(run.end).toMatchObject({ cause: 'exited', exitCode: 3 });
    expect(list.entries.map(({ name }) => name)).toContain('a.txt');
    expect(stat).toMatchObject({ type: 'file', bytes: 1 });
  }
  await sandbox.cleanup();
});

test('many calls to files at once all work, in few containers', async () => {
  const sandbox = await server.sandbox({ 'a.txt': 'a' });
  const files = server.provider.files(sandbox.id);
  const label = [`org.ergon.sandbox.sandbox=${sandbox.id}`, 'org.ergon.sandbox.role=run'];
  const containers: number[] = [];
  const calls = Promise.all(Array.from({ length: 20 }, () => files.list('/workspace')));
  let over = false;
  void calls.finally(() => (over = true)).catch(() => undefined);
  while (!over) {
    containers.push((await docker.listContainers({ filters: { label } })).length);
    await delay(100);
  }
  for (const list of await calls) expect(list.entries.map(({ name }) => name)).toEqual(['a.txt']);
  expect(Math.max(...containers)).toBeLessThan(12); // four that run, as many that are being removed, and those ahead
  await sandbox.cleanup();
});

test('a command that is stopped while it waits for its container never runs, and the next one has that container', async () => {
  const sandbox = await server.sandbox();
  for (let round = 0; round < 4; round += 1) {
    await sandbox.run(['true']);
    const { end } = await sandbox.run(['sh', '-c', `echo ${round} >> /workspace/ran`], {
      signal: AbortSignal.timeout(60),
      killGraceMs: 0,
    });
    expect(end).toMatchObject({ cause: 'stopped', exitCode: null });
  }
  const { stdout, end } = await sandbox.sh('cat /workspace/ran 2>/dev/null; echo end');
  expect(end).toMatchObject({ cause: 'exited' });
  expect(stdout).toBe('end\n');
  await sandbox.cleanup();
  expect(await server.leftovers()).toEqual([]);
});
