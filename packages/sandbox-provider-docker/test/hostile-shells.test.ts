import { makeImage, removeImages } from './support/made-image.js';
import { TestServer } from './support/server.js';
import { until } from './support/until.js';
import { docker } from './support/engine.js';

jest.setTimeout(150_000);

const SILENT = 'ergon-test/silent-shell:1';
const ENDLESS = 'ergon-test/endless-shell:1';

/** In place of /bin/sh, which is a link to BusyBox. */
const shell = (script: string): string =>
  `rm /bin/sh && printf '%s\\n' '#!/bin/busybox ash' '${script}' > /bin/sh && chmod 755 /bin/sh`;

let server: TestServer;
beforeAll(async () => {
  server = new TestServer();
  const ash = ['/bin/busybox', 'ash'];
  await makeImage(SILENT, { shell: ash, script: shell('while :; do sleep 1; done') });
  const endless = 'case "$2" in *"IFS= read -r script"*) exec yes no no no;; esac; exec /bin/busybox ash "$@"';
  await makeImage(ENDLESS, { shell: ash, script: shell(endless) });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await removeImages(SILENT, ENDLESS);
});
afterEach(async () => {
  expect(await server.leftovers()).toEqual([]);
});

const running = async (id: string): Promise<boolean> => {
  const label = [`org.ergon.sandbox.sandbox=${id}`, 'org.ergon.sandbox.role=run'];
  return (await docker.listContainers({ filters: { label } })).length > 0;
};

test('a shell that never is ready holds up neither a cleanup nor what is prepared', async () => {
  const config = server.config({}, { image: SILENT });
  const preparing = server.provider.prepare('solution', server.solution({}), config);
  const failed = expect(preparing).rejects.toMatchObject({ code: 'SANDBOX011' });
  await until('its container runs', () => running(config.sandboxId), 60_000);
  const started = performance.now();
  expect(await server.provider.cleanup(config.sandboxId)).toBe(true);
  await failed;
  expect(performance.now() - started).toBeLessThan(30_000);
});

test('a shell that never is ready is given up in time, with a sentence', async () => {
  const preparing = server.sandbox({}, {}, { image: SILENT });
  await expect(preparing).rejects.toMatchObject({ message: 'The container was not ready within 60 s.' });
});

test('a shell that says without end what nobody asked is not listened to', async () => {
  const before = process.memoryUsage.rss();
  const started = performance.now();
  await expect(server.sandbox({}, {}, { image: ENDLESS })).rejects.toMatchObject({
    message: expect.stringMatching(/^No shell could be started in the container: .*no no no/) as string,
  });
  expect(performance.now() - started).toBeLessThan(30_000);
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 << 20);
});
