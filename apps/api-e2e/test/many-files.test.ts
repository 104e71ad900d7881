import { readFileSync } from 'node:fs';
import { sandbox, TestServer } from './server.js';
import { execute } from './sse.js';

afterAll(() => TestServer.endAll());

/** The most memory that the server has used so far, in bytes. */
function peakMemory(server: TestServer): number {
  const status = readFileSync(`/proc/${String(server.process.pid)}/status`, 'utf8');
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

const millionFiles = `
import os
for half in 'ab':
    os.mkdir('/output/' + half)
    if os.fork() == 0:
        os.chdir('/output/' + half)
        for number in range(500_000): os.mknod(str(number))
        os._exit(0)
assert os.wait()[1] == 0 and os.wait()[1] == 0
`;

test('a million files of a program are listed, kept and packed up to the bounds, and beyond refused by a sentence', async () => {
  const server = await TestServer.start();
  const id = await server.open({ code: millionFiles, main_file: 'main.py' }, { disk_limit: '10g' });
  const { messages } = await execute(server, id);
  expect(messages.at(-1)?.data).toMatchObject({ done: true, status: 'completed', exit_code: 0 });
  const result = await server.ok('GET', sandbox(`/results/${id}`));
  expect(result).toMatchObject({
    errors: ['/output holds more than can be kept (10000 files, 1 GiB in all): 10000 files were kept.'],
  });

  const folder = sandbox(`/${id}/files/output/b`);
  for (const [query, count] of [
    ['', 10_000],
    ['?limit=100000', 100_000],
  ] as const) {
    const { entries, truncated } = (await server.ok('GET', folder + query)) as unknown as {
      entries: unknown[];
      truncated: boolean;
    };
    expect([entries.length, truncated]).toEqual([count, true]);
  }
  for (const [kind, most] of [
    ['tar', 100_000],
    ['zip', 20_000],
  ] as const) {
    for (const path of [folder, sandbox(`/${id}/files/output`)]) {
      const { status, body } = await server.call('GET', `${path}?archive=${kind}`);
      expect({ status, code: body.code, detail: body.detail }).toEqual({
        status: 507,
        code: 'SANDBOX004',
        detail: `More than ${most} entries are below "${path.slice(path.indexOf('/output'))}", which is the most for one archive; take the folders below it one by one.`,
      });
    }
  }
  const kept = await server.fetch(sandbox(`/results/${id}/files?archive=zip`));
  expect(kept.status).toBe(200);
  expect((await kept.arrayBuffer()).byteLength).toBeGreaterThan(1_000_000);
  await server.ok('DELETE', sandbox(`/${id}`));
  expect(peakMemory(server)).toBeLessThan(512 * 1024 ** 2);
}, 300_000);
