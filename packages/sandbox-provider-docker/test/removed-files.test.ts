import { BUSYBOX, DEBIAN, TestServer } from './support/server.js';

const server = new TestServer({ images: { default: DEBIAN, tools: BUSYBOX } });
beforeAll(() => server.provider.probe());
afterAll(async () => {
  expect(await server.leftovers()).toEqual([]);
  await server[Symbol.asyncDispose]();
});

const MiB = 1 << 20;
const holdRemoved = (before: string): string => `
import ctypes, os, threading, time
${before}
def hold():
    for i in range(12):
        fd = os.open(f'/workspace/f{i}', os.O_RDWR | os.O_CREAT)
        os.unlink(f'/workspace/f{i}')
        for j in range(30): os.write(fd, b'1' * (1 << 20))
    time.sleep(60)
hold()
`;

test.each([
  ['a program', ''],
  ['a program that nobody may look into', 'ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)'], // PR_SET_DUMPABLE
  ['a child of another session', 'if os.fork(): os.wait()\nos.setsid()'],
])('files that %s has removed and still holds count against the limit of the disk', async (_, before) => {
  const limits = { diskBytes: 16 * MiB, timeoutMs: 50_000 };
  const run = await server.run(['python3', '-c', holdRemoved(before)], limits);
  expect(run.end).toMatchObject({ cause: 'limit', exitCode: null, limitsHit: [{ limit: 'disk', value: 16 * MiB }] });
  expect(run.wallMs).toBeLessThan(20_000);
});

test('removed files in memory, and those of which the names are left, count as before', async () => {
  const program = `
import os, tempfile, time
for folder in ('/tmp', '/dev/shm'):
    file = tempfile.TemporaryFile(dir=folder); file.write(b'1' * (30 << 20)); file.flush()
    globals()[folder] = file
kept = open('/workspace/kept', 'wb'); kept.write(b'1' * (8 << 20)); kept.flush(); again = open('/workspace/kept')
time.sleep(1)
print('done')
`;
  const run = await server.run(['python3', '-c', program], { diskBytes: 16 * MiB });
  expect({ stdout: run.stdout, end: run.end }).toMatchObject({
    stdout: 'done\n',
    end: { cause: 'exited', limitsHit: [] },
  });
});

const nested = (name: string, depth: number): readonly string[] => [
  'sh',
  '-c',
  `i=0; while [ $i -lt ${depth} ]; do mkdir ${name}; cd ${name}; i=$((i+1)); done; sleep 3; exit 4`,
];

test.each([
  ['by its path', 'a'.repeat(100), 60],
  ['by its levels', 'n', 1200],
])(
  'a folder too deep to be counted, %s, is the limit of the disk, and can be removed by calls to files',
  async (_, name, depth) => {
    const sandbox = await server.sandbox();
    try {
      const run = await sandbox.run(nested(name, depth));
      expect(run.end).toMatchObject({ cause: 'limit', limitsHit: [{ limit: 'disk' }] });
      expect(run.end.limitsHit[0]?.evidence.length).toBeLessThan(300);
      await server.provider.files(sandbox.id).remove(`/workspace/${name}`);
      expect(await sandbox.run(['echo', 'again'])).toMatchObject({
        stdout: 'again\n',
        end: { cause: 'exited', exitCode: 0 },
      });
    } finally {
      await sandbox.cleanup();
    }
  },
);

test('three hundred folders in each other are counted as any others', async () => {
  const sandbox = await server.sandbox();
  const { end } = await sandbox.run(nested('n', 300));
  expect(end).toMatchObject({ cause: 'exited', exitCode: 4, limitsHit: [], reason: null });
  expect(end.usage.diskBytes).toBeGreaterThanOrEqual(300 * 4096);
  expect((await sandbox.run(['echo', 'again'])).stdout).toBe('again\n');
  await sandbox.cleanup();
});

test('what was written faster than anybody looked is told at the end', async () => {
  const write = 'head -c 30000000 /dev/zero > /workspace/big';
  const { end } = await server.run(['sh', '-c', write], { diskBytes: 16 * MiB, fileBytes: 64 * MiB });
  expect(end).toMatchObject({ limitsHit: [{ limit: 'disk', value: 16 * MiB }] });
  expect(end.usage.diskBytes).toBeGreaterThan(16 * MiB);
});
