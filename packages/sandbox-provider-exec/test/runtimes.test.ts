import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runCommand } from '../src/posix/command.js';
import { ChildServer } from './support/child.js';
import { isRoot } from './support/server.js';

let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(isRoot ? tmpdir() : homedir(), 'ergon-runtimes-'));
  chmodSync(home, 0o700);
  // Python as pyenv keeps it: a prefix of its own, and a shim in front of it on PATH.
  const python = realpathSync('/usr/bin/python3');
  const version = /python(3\.\d+)$/.exec(python)?.[1] ?? '3';
  const prefix = join(home, `.pyenv/versions/${version}.99`);
  mkdirSync(join(prefix, 'bin'), { recursive: true, mode: 0o755 });
  mkdirSync(join(prefix, 'lib'));
  copyFileSync(python, join(prefix, 'bin', `python${version}`));
  symlinkSync(`python${version}`, join(prefix, 'bin/python3'));
  symlinkSync(`/usr/lib/python${version}`, join(prefix, `lib/python${version}`));
  mkdirSync(join(home, '.pyenv/shims'));
  writeFileSync(join(home, '.pyenv/shims/python3'), '#!/bin/sh\nexec pyenv exec python3 "$@"\n', { mode: 0o755 });
  // Node as nvm keeps it.
  const node = join(home, '.nvm/versions/node/v20.99.0');
  mkdirSync(join(node, 'bin'), { recursive: true, mode: 0o755 });
  mkdirSync(join(node, 'include/node'), { recursive: true });
  copyFileSync(process.execPath, join(node, 'bin/node'));
  cpSync(dirname(realpathSync('/usr/lib/os-release')) + '/os-release', join(node, 'include/node/node.h'));
  expect((await runCommand('chmod', ['-R', 'a+rX', join(home, '.pyenv'), join(home, '.nvm')])).code).toBe(0);
});
afterAll(() => {
  rmSync(home, { recursive: true });
});

test('where /usr has no Python and no Node, those of pyenv and nvm below a private home are found and work', async () => {
  const hide = ['/usr/bin/python3', '/usr/bin/node', '/usr/local/bin/node'].map(
    (path) => `[ ! -e ${path} ] || mount --bind /dev/null ${path}`,
  );
  const node = join(home, '.nvm/versions/node/v20.99.0/bin/node');
  // The server itself runs on that Node, with the shims first on its PATH.
  const start = `shift; export HOME=${home} PATH=${home}/.pyenv/shims:/usr/bin:/bin; exec ${node} "$@"`;
  const user = isRoot ? '' : `exec unshare -U --map-user=${process.getuid?.()} --map-group=${process.getgid?.()} -- `;
  const script = isRoot ? start : start.replace('exec ', user);
  const before = [
    'unshare',
    ...(isRoot ? ['-m', '--propagation', 'private'] : ['-Urm']),
    '--',
    '/bin/sh',
    '-c',
    `set -e\n${hide.join('\n')}\n${script}`,
    'sh',
  ];
  const program = `for name in python python3 node; do command -v $name; done
    python -c 'import sys, json; print(sys.executable, sys.prefix)'
    node -p process.execPath
    ls ${home} 2>&1 | head -1`;
  const child = new ChildServer('probe-server.ts', [program], { before });
  await child.exited;
  expect(child.stderr).toBe('');
  const [probe, run] = child.said as unknown as [
    { probe: { capabilities: { details: { languages: string } } } },
    { stdout: string; left: string[] },
  ];
  expect(probe.probe.capabilities.details.languages).toBe('shell, python, node');
  expect(run.stdout.split('\n')).toEqual([
    '/runtimes/bin/python',
    '/runtimes/python/bin/python3',
    '/runtimes/node/bin/node',
    '/runtimes/bin/python /runtimes/python',
    '/runtimes/node/bin/node',
    expect.stringContaining('No such file or directory'),
    '',
  ]);
  expect(run.left).toEqual([]);
});
