import { chmodSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { examples, folder, isRoot, repository, start } from './cli.js';

// npm packs and installs, on a machine that may be busy.
jest.setTimeout(240_000);

let home: string;

beforeAll(async () => {
  home = folder({ 'package.json': '{ "private": true }' });
  chmodSync(home, 0o755);
  // In a folder that stands for the clone, so that what is packed lies beside it.
  const clone = folder();
  symlinkSync(join(repository, 'packages'), join(clone, 'packages'));
  const readme = readFileSync(join(repository, 'packages/sandbox-cli/README.md'), 'utf8');
  const [, lines = ''] = /```sh\n(.*?)```/s.exec(readme) ?? [];
  const [pack = '', install = ''] = lines.split(/^(?=npm install)/m);
  expect(await start('sh', ['-ec', pack], { cwd: clone }).end()).toMatchObject({ code: 0 });
  const here = install.replace('--global ./packed', `--prefer-offline --no-audit --no-fund ${clone}/packed`);
  expect(here).not.toBe(install);
  expect(await start('sh', ['-ec', here], { cwd: home }).end()).toMatchObject({ code: 0 });
});

const kinds = isRoot ? ['root', 'an ordinary user'] : ['an ordinary user'];

test.each(kinds)(
  'from an empty folder with packed packages only, npx runs a Python and a Node example as %s',
  async (kind) => {
    const npx = (solution: string): ReturnType<ReturnType<typeof start>['end']> => {
      const line = `cd "${home}" && npm_config_update_notifier=false exec npx --no-install ergon-sandbox run "${solution}"`;
      const args = isRoot && kind !== 'root' ? [join(repository, 'tools/as-user.sh'), 'sh', '-c', line] : ['-c', line];
      return start('bash', args, { env: { XDG_STATE_HOME: '' } }).end();
    };
    const copies = folder();
    chmodSync(copies, 0o755);
    for (const name of ['hello-python', 'node-maze', 'fails']) {
      await start('cp', ['-r', join(examples, name), copies]).end();
    }
    await start('chmod', ['-R', 'a+rX', copies, home]).end();
    const python = await npx(join(copies, 'hello-python'));
    expect(python).toMatchObject({ code: 0, stderr: '' });
    expect(python.stdout).toContain('Hello from inside the sandbox!');
    const node = await npx(join(copies, 'node-maze'));
    expect(node).toMatchObject({ code: 0, stderr: '' });
    expect(node.stdout).toMatch(/\S/);
    const failing = await npx(join(copies, 'fails'));
    expect(failing.code).toBe(1);
    expect(failing.stdout).toContain('flour: 500 g');
  },
);
