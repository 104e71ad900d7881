import { randomIdentity } from '../src/identity.js';
import { loadForeign } from './support/foreign-image.js';
import { removeImages } from './support/made-image.js';
import { BUSYBOX, DEBIAN, TestServer } from './support/server.js';

const FOREIGN = 'ergon-test/foreign:1';
const server = new TestServer({ images: { default: BUSYBOX, tools: DEBIAN } });
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await removeImages(FOREIGN);
});
afterEach(async () => {
  expect(await server.leftovers()).toEqual([]);
});

test('an image of another platform is refused in a sentence that says how to get the right one', async () => {
  await loadForeign(FOREIGN);
  await expect(server.sandbox({}, {}, { image: FOREIGN })).rejects.toMatchObject({
    code: 'SANDBOX009',
    field: 'image',
    message:
      `The image "${FOREIGN}" is for linux/arm, and the Docker engine runs linux/${process.arch}. ` +
      `Get the one for it: "docker pull --platform linux/${process.arch === 'x64' ? 'amd64' : process.arch} ${FOREIGN}".`,
  });
});

test('more open files than the engine itself may have are refused, by the field that asks for them', async () => {
  await expect(server.sandbox({}, { openFiles: 2 ** 40 })).rejects.toMatchObject({
    code: 'SANDBOX008',
    field: 'open_files',
    message: `The Docker engine's own limit of open files is less than ${2 ** 40}.`,
  });
});

test('a sandbox without a network learns no name server and no search list of the host', async () => {
  const { stdout } = await server.run(['cat', '/etc/resolv.conf']);
  expect(stdout.replace(/^#.*\n/gm, '').trim()).toBe('nameserver 127.0.0.1');
});

test('on engines that map users, no two sandboxes at once have a user in common', () => {
  const taken = new Set<number>();
  const all = new Set<number>();
  for (let count = 0; count < 5000; count += 1) {
    const { program, holder } = randomIdentity(true, (uid) => taken.has(uid));
    taken.add(program);
    all.add(program).add(holder);
  }
  expect(all.size).toBe(10_000);
  expect(Math.max(...all)).toBeLessThan(65_536);
});
