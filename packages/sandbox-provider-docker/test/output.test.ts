import { BUSYBOX, DEBIAN, TestServer } from './support/server.js';

const server = new TestServer();
afterAll(() => server[Symbol.asyncDispose]());

test.each([
  ['Debian', DEBIAN],
  ['BusyBox', BUSYBOX],
])('each end says whether anything is in /output, as the tools of %s see it', async (_, image) => {
  const sandbox = await new TestServer({ images: { default: image, tools: image } }).sandbox();
  try {
    for (const [script, outputEmpty] of [
      ['echo hi; echo a > /workspace/a', true],
      ['mkdir /output/.hidden; chmod 0 /output', false],
      ['chmod 755 /output; rmdir /output/.hidden; ln -s /nowhere "/output/a\nb"', false],
      ['rm /output/*; chmod 0 /output; exit 3', true],
    ] as const) {
      const { end } = await sandbox.sh(script);
      expect(end).toMatchObject({ outputEmpty, reason: null });
    }
  } finally {
    await sandbox.server[Symbol.asyncDispose]();
  }
});

test('an output that is full of names is seen without them being loaded', async () => {
  const script = 'import os\nfor n in range(20000): os.symlink("x", f"/output/{n}")';
  const { end } = await server.run(['python3', '-c', script], { diskBytes: 256 << 20 }, {}, { image: DEBIAN });
  expect(end).toMatchObject({ cause: 'exited', exitCode: 0, outputEmpty: false });
});
