import { BUSYBOX, DEBIAN, TestServer } from './support/server.js';
import { makeImage, removeImages } from './support/made-image.js';

const BASH = 'ergon-test/bash-as-sh:2';
const server = new TestServer();
beforeAll(() => makeImage(BASH, { from: DEBIAN, script: 'ln -sf bash /bin/sh' }));
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await removeImages(BASH);
});

const variables = { TMOUT: '1', EXECIGNORE: '*', GLOBIGNORE: '*', LC_ALL: 'xx_XX.UTF-8', LANG: 'xx_XX.UTF-8' };

test.each([
  ['bash', BASH],
  ['BusyBox', BUSYBOX],
])('with %s as /bin/sh, variables that a shell heeds are the program’s alone', async (_, image) => {
  const sandbox = await server.sandbox({}, {}, { image, environment: variables });
  for (const more of [{}, { tty: { cols: 80, rows: 24 } }]) {
    const command = ['sh', '-c', 'echo a; sleep 2; echo "$TMOUT $EXECIGNORE $GLOBIGNORE $LC_ALL $LANG"; exit 7'];
    const { stdout, stderr, end } = await sandbox.run(command, more);
    expect(end).toMatchObject({ cause: 'exited', exitCode: 7, reason: null });
    expect(stdout.replaceAll('\r', '')).toMatch(/^a$/m);
    expect(stdout.replaceAll('\r', '')).toMatch(/^1 \* \* xx_XX.UTF-8 xx_XX.UTF-8$/m);
    // The program is a shell itself, and complains in its own name, once for each start.
    expect(stderr.split('\n').filter((line) => line.includes('setlocale')).length).toBeLessThan(2);
  }
  await sandbox.cleanup();
});

test('no shell of ours says anything of a locale that is not there', async () => {
  const sandbox = await server.sandbox({}, {}, { image: BASH, environment: variables });
  const { stdout, stderr, end } = await sandbox.run(['python3', '-c', 'import os; print(os.environ["LC_ALL"])']);
  expect(end).toMatchObject({ cause: 'exited', exitCode: 0 });
  expect(stdout).toBe('xx_XX.UTF-8\n');
  expect(stderr).toBe('');
  await sandbox.cleanup();
});
