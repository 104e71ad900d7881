import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { bin, cli, containing, folder, isRoot, start } from './cli.js';
import type { Said } from './cli.js';

interface Answer {
  readonly works: boolean;
  readonly findings: readonly { what: string; verdict: string; detail: string; fix?: string }[];
}

const noDocker = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };

/** With nothing of the machine's Docker, so that what is found is of what was provoked. */
async function doctor(env: Readonly<Record<string, string>> = {}): Promise<Said> {
  return cli(['doctor', '--json'], { env: { ...noDocker, ...env } });
}

function findingOf({ stdout }: Said, what: string): Answer['findings'][number] | undefined {
  return (JSON.parse(stdout) as Answer).findings.find((finding) => finding.what === what);
}

test('where all is well it says so, with what each provider stands on, and exits with 0', async () => {
  const said = await cli(['doctor'], { env: noDocker });
  expect(said).toMatchObject({ code: 0, stderr: '' });
  expect(said.stdout).toContain(`✓ Node: ${process.versions.node}`);
  expect(said.stdout).toMatch(/✓ sandbox-exec: isolates by namespaces/);
  expect(said.stdout).toMatch(/✓ sandbox-exec: bubblewrap: \d+\.\d+/);
  expect(said.stdout).toMatch(/✓ sandbox-exec: languages: .*python/);
  expect(said.stdout).toMatch(/Programs run in sandboxes here\.\n$/);
  expect(JSON.parse((await doctor()).stdout)).toMatchObject({ works: true });
});

test('a Docker engine that is not there is a weakness, with what to do', async () => {
  const said = await doctor();
  expect(said.code).toBe(0);
  expect(findingOf(said, 'docker')).toMatchObject({
    verdict: 'weaker',
    detail: 'No Docker engine answers at /nowhere/docker.sock.',
    fix: containing('DOCKER_HOST'),
  });
});

test('a home that cannot be written is found, and exits with 1', async () => {
  const said = await doctor({ XDG_STATE_HOME: '', HOME: '/proc/nowhere' });
  expect(said.code).toBe(1);
  expect(findingOf(said, 'folder of runs')).toMatchObject({
    verdict: 'broken',
    detail: containing('/proc/nowhere/.local/state'),
    fix: containing('XDG_STATE_HOME'),
  });
});

test('a server that does not answer, and one that wants a token, are found', async () => {
  const nobody = await doctor({ ERGON_SANDBOX_URL: 'http://127.0.0.1:9' });
  expect(nobody.code).toBe(0);
  expect(findingOf(nobody, 'server')).toMatchObject({ verdict: 'weaker', fix: containing('--url') });
});

test('user namespaces that are switched off are found', async () => {
  const said = await inNamespace(['-U', '-r'], 'echo 0 > /proc/sys/user/max_user_namespaces');
  expect(said.code).toBe(1);
  expect(findingOf(said, 'sandbox-exec')).toMatchObject({
    verdict: 'broken',
    detail: containing('User namespaces are switched off'),
    fix: containing('sysctl'),
  });
});

test('root of a namespace with one user is found', async () => {
  const said = await inNamespace(['-U', '-r'], ':');
  expect(said.code).toBe(1);
  expect(findingOf(said, 'sandbox-exec')?.detail).toContain('no users for sandboxes');
});

/** The doctor of a machine on which something was done before, in namespaces that go with it. */
function inNamespace(flags: readonly string[], before: string): Promise<Said> {
  const script = `${before} && exec "${process.execPath}" "${bin}" doctor --json`;
  return start('unshare', [...flags, 'sh', '-c', script], { env: noDocker }).end();
}

// A tool is put over another one's path, which takes the right to mount on the machine's own folders.
if (isRoot) {
  const bwraps = folder({
    missing: '',
    old: '#!/bin/sh\necho bubblewrap 0.4.1\n',
    odd: '#!/bin/sh\necho hello\n',
    setuid: '#!/bin/sh\necho bubblewrap 0.8.0\n',
    failing:
      '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit\necho "bwrap: No such thing" >&2; exit 1\n',
  });
  chmodSync(bwraps, 0o755);
  for (const name of ['old', 'odd', 'failing']) chmodSync(join(bwraps, name), 0o755);
  chmodSync(join(bwraps, 'setuid'), 0o4755);
  const over = (what: string, path: string): string =>
    `mount --bind "${what}" "$(readlink -f "$(command -v ${path})")"`;

  test.each([
    ['no bubblewrap', 'missing', 'bubblewrap is not installed.', 'apt-get install bubblewrap'],
    ['an old bubblewrap', 'old', 'bubblewrap 0.4.1 is too old', 'Upgrade'],
    ['what is no bubblewrap', 'odd', 'does not answer as bubblewrap does', 'Reinstall'],
    ['a bubblewrap that is setuid', 'setuid', 'is setuid root', 'chmod u-s'],
    ['a bubblewrap that fails', 'failing', 'No such thing', ''],
  ])('%s is found', async (_what, name, detail, fix) => {
    const said = await inNamespace(['-m'], over(join(bwraps, name), 'bwrap'));
    expect(said.code).toBe(1);
    expect(findingOf(said, 'sandbox-exec')).toMatchObject({
      verdict: 'broken',
      detail: containing(detail),
      fix: containing(fix),
    });
  });

  test('a missing tool is found', async () => {
    const said = await inNamespace(['-m'], over(join(bwraps, 'missing'), 'prlimit'));
    expect(said.code).toBe(1);
    expect(findingOf(said, 'sandbox-exec')).toMatchObject({
      detail: 'The tool "prlimit" is missing.',
      fix: containing('util-linux'),
    });
  });

  test('terminals that programs cannot have are a weakness', async () => {
    const said = await inNamespace(['-m'], over(join(bwraps, 'missing'), 'perl'));
    expect(said.code).toBe(0);
    expect(findingOf(said, 'sandbox-exec: terminals')).toMatchObject({
      verdict: 'weaker',
      detail: containing('"perl"'),
    });
  });

  test('disks without a limit of their own are a weakness', async () => {
    const said = await inNamespace(['-m'], over(join(bwraps, 'missing'), 'mkfs.ext4'));
    expect(said.code).toBe(0);
    expect(findingOf(said, 'sandbox-exec: disk')?.detail).toBe('polled');
    expect(findingOf(said, 'sandbox-exec: limits')).toMatchObject({
      verdict: 'weaker',
      detail: containing('disk'),
    });
  });

  test('cgroups that cannot be made are a weakness', async () => {
    const said = await inNamespace(['-m'], 'mount -t tmpfs -o ro none /sys/fs/cgroup');
    expect(said.code).toBe(0);
    expect(findingOf(said, 'sandbox-exec: cgroup')?.detail).toContain('none: rlimits and a watchdog');
    expect(findingOf(said, 'sandbox-exec: limits')?.detail).toContain('memory');
  });
}
