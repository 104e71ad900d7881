import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { docker } from './support/engine.js';
import { makeImage, removeImages } from './support/made-image.js';
import { DEBIAN, TestServer } from './support/server.js';

const LIBRARIES = 'ergon-test/libraries-in-workspace:1';
const PROGRAMS = 'ergon-test/programs-in-workspace:1';

let server: TestServer;
beforeAll(async () => {
  server = new TestServer();
  await makeImage(LIBRARIES, {
    from: DEBIAN,
    changes: [
      'ENV LD_LIBRARY_PATH=/workspace/lib:',
      'ENV LD_PRELOAD=/workspace/lib/none.so',
      'ENV BASH_ENV=/workspace/bash.sh',
      'ENV ENV=/workspace/bash.sh',
      'ENV WORD="of the image"',
      'ENV LANG=xx_YY',
    ],
  });
  await makeImage(PROGRAMS, { from: DEBIAN, changes: ['ENV PATH=/workspace/bin:.:/usr/bin:/bin'] });
});
afterAll(async () => {
  expect(await server.leftovers()).toEqual([]);
  await server[Symbol.asyncDispose]();
  await removeImages(LIBRARIES, PROGRAMS);
});

/** Libraries of sed(1), which no loader accepts. */
const broken = { 'lib/libpcre2-8.so.0': 'x', 'lib/libselinux.so.1': 'x', 'lib/libacl.so.1': 'x', 'lib/x': 'x' };

test('an image’s LD_LIBRARY_PATH and LD_PRELOAD are the program’s, and load nothing into what watches and holds it', async () => {
  const names = ['BASH_ENV', 'ENV', 'HOME', 'LANG', 'LD_LIBRARY_PATH', 'LD_PRELOAD', 'WORD'];
  const script = `${names.map((name) => `echo "${name}=$${name}"`).join('; ')}; pwd; sed p`;
  const { stdout, stderr, end } = await server.run(['sh', '-c', script], {}, broken, { image: LIBRARIES });
  expect(stdout.trim().split('\n')).toEqual([
    'BASH_ENV=/workspace/bash.sh',
    'ENV=/workspace/bash.sh',
    'HOME=/home/sandbox',
    'LANG=C.UTF-8',
    'LD_LIBRARY_PATH=/workspace/lib:',
    'LD_PRELOAD=/workspace/lib/none.so',
    'WORD=of the image',
    '/workspace',
  ]);
  expect(stderr).toMatch(/sed: error while loading shared libraries: .*\/workspace\/lib\/.*: file too short/);
  expect(end).toMatchObject({ cause: 'exited', exitCode: 127 });
});

test('nothing that a solution calls ln, du or sed is run by what holds and watches it, though the image’s PATH begin in the workspace', async () => {
  const told = '#!/bin/sh\nid -u >> /tmp/told; id -u >> /workspace/told; exec /usr/bin/${0##*/} "$@"\n';
  const programs = ['ln', 'du', 'sed', 'sh'];
  const folder = server.solution(Object.fromEntries(programs.map((name) => [join('bin', name), told])));
  for (const name of programs) chmodSync(join(folder, 'bin', name), 0o755);
  const config = server.config({}, { image: PROGRAMS });
  await server.provider.prepare('solution', folder, config);
  const said: string[] = [];
  // The second's container was parked when the workspace was full.
  for (const script of ['command -v ln; cat /tmp/told told', 'ls -l bin/ln; cat /tmp/told told; command -v python']) {
    for await (const { data } of server.provider.execute(config.sandboxId, ['/bin/sh', '-c', script], {
      timeoutMs: 9000,
    })) {
      said.push(Buffer.from(data).toString());
    }
  }
  const files = await server.provider.files(config.sandboxId).list('/workspace');
  expect(files.entries.map(({ name }) => name)).toEqual(['bin']);
  await server.provider.cleanup(config.sandboxId);
  const words = said.join('');
  expect(words).toMatch(/^\/workspace\/bin\/ln$/m); // the program's PATH is the image's
  expect(words).toMatch(/^-rwx/m);
  expect(words).toMatch(/^\/run\/ergon\/python$/m);
  expect(words.match(/No such file/g)).toHaveLength(4);
});

test('the main processes of a sandbox’s containers have no variable of the image', async () => {
  const sandbox = await server.sandbox({}, {}, { image: LIBRARIES });
  const label = [`org.ergon.sandbox.sandbox=${sandbox.id}`];
  const containers = await docker.listContainers({ filters: { label } });
  expect(containers.length).toBeGreaterThanOrEqual(2);
  for (const { Id } of containers) {
    const exec = await docker
      .getContainer(Id)
      .exec({ Cmd: ['/bin/cat', '/proc/1/environ'], AttachStdout: true, Tty: true });
    let said = '';
    for await (const data of await exec.start({ Tty: true })) said += String(data);
    const names = said.split('\0').map((variable) => variable.split('=')[0]);
    expect(names).toContain('PATH');
    for (const name of ['LD_LIBRARY_PATH', 'LD_PRELOAD', 'BASH_ENV', 'ENV', 'WORD']) expect(names).not.toContain(name);
  }
  await sandbox.cleanup();
});
