import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@ergon/sandbox-core';
import type { SandboxConfig } from '@ergon/sandbox-core';
import { processesMarked } from '../src/linux/processes.js';
import { macosCapabilities } from '../src/macos/capabilities.js';
import { probeMacos } from '../src/macos/probe.js';
import { standInTools } from '../src/macos/test/stand-in.js';
import { SandboxExecProvider } from '../src/provider.js';
import { until } from './support/until.js';

/** Isolates, by bubblewrap: what the profile's parameters name is there, and what programs need of the system. */
const BY_BUBBLEWRAP = `#!/bin/bash -p
folders=()
while :; do
  case $1 in
    -D) case $2 in ANCESTOR_*) ;; *) folders+=(--bind "\${2#*=}" "\${2#*=}") ;; esac; shift 2 ;;
    -p) shift 2 ;;
    *) break ;;
  esac
done
system=(--ro-bind /usr /usr --ro-bind /bin /bin --ro-bind /lib /lib --ro-bind-try /lib64 /lib64 --dev /dev --proc /proc)
exec bwrap --unshare-all --uid 1000 --cap-drop ALL "\${system[@]}" "\${folders[@]}" --remount-ro / -- "$@"
`;

let folder: string;
beforeEach(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), 'ergon-macos-')))));
afterEach(() => rmSync(folder, { recursive: true }));

test('a sandbox-exec that isolates nothing is found out, and no sandbox is made with it', async () => {
  const found = await probeMacos(undefined, standInTools(folder), 501);
  expect(found).toEqual({
    unusable: {
      reason:
        'sandbox-exec does not isolate here: a program can read a file outside, and write a file outside, and list a folder outside, ' +
        'and signal a process outside, and connect to a port of the host.',
      fix: expect.stringContaining('docker') as string,
    },
  });
});

test.each([
  ['the network', '--unshare-all', '--unshare-all --share-net', 'connect to a port of the host'],
  ['processes', '--unshare-all', '--unshare-user --unshare-net', 'signal a process outside'],
  [
    'reading',
    '--remount-ro / -- "$@"',
    `--ro-bind ${tmpdir()} ${tmpdir()} "\${folders[@]}" -- "$@"`,
    'read a file outside',
  ],
])('one that leaves %s open is found out', async (_what, from, to, says) => {
  const found = await probeMacos(undefined, standInTools(folder, BY_BUBBLEWRAP.replace(from, to)), 501);
  expect(found).toMatchObject({ unusable: { reason: expect.stringContaining(says) as string } });
});

test('one that isolates, here by bubblewrap, is taken', async () => {
  const found = await probeMacos(undefined, standInTools(folder, BY_BUBBLEWRAP), 501);
  expect(found).toMatchObject({ machine: { version: '15.3.1' } });
  if (!('machine' in found)) return;
  expect(macosCapabilities(found.machine, 5)).toMatchObject({
    isolation: 'seatbelt',
    network: ['none'],
    files: false,
    limits: {
      memory: 'best-effort',
      cpu: 'none',
      pids: 'best-effort',
      disk: 'best-effort',
      'wall-time': 'best-effort',
    },
    details: { macos: '15.3.1', languages: expect.stringMatching(/^shell.*node/) as string },
  });
});

test('a profile that does not work is told with what sandbox-exec said', async () => {
  const script =
    '#!/bin/sh\n[ "$2" = "(version 1)(allow default)" ] && exit 0\necho "unbound variable: x" >&2; exit 65\n';
  const found = await probeMacos(undefined, standInTools(folder, script), 501);
  expect(found).toMatchObject({
    unusable: { reason: expect.stringMatching(/does not work on this version.*unbound variable: x/) as string },
  });
});

test('a server in a sandbox is told so', async () => {
  const script = '#!/bin/sh\necho "sandbox-exec: sandbox_apply: Operation not permitted" >&2; exit 71\n';
  const found = await probeMacos(undefined, standInTools(folder, script), 501);
  expect(found).toMatchObject({ unusable: { reason: expect.stringContaining('itself in a sandbox') as string } });
});

test('a probe that is aborted ends what it runs, and with the reason', async () => {
  const hangs = `#!/bin/sh\n: >"${join(folder, 'up')}"\nexec sleep 1006\n`;
  const stop = new AbortController();
  const probing = probeMacos(stop.signal, standInTools(folder, hangs), 501).catch((reason: unknown) => ({ reason }));
  await until('it hangs', () => existsSync(join(folder, 'up')));
  stop.abort('enough');
  expect(await probing).toEqual({ reason: 'enough' });
  expect(processesMarked((word) => word === '1006')).toEqual([]);
});

test('root is refused: it would have no other user for a program', async () => {
  const found = await probeMacos(undefined, standInTools(folder, BY_BUBBLEWRAP), 0);
  expect(found).toMatchObject({ unusable: { fix: 'Run the server as an ordinary user.' } });
});

test('a missing tool is named', async () => {
  const tools = standInTools(folder);
  writeFileSync(join(folder, 'not-executable'), '');
  chmodSync(join(folder, 'not-executable'), 0o644);
  for (const [more, name] of [
    [{ sandboxExec: join(folder, 'missing') }, 'missing'],
    [{ ps: [join(folder, 'not-executable')] as const }, 'not-executable'],
  ] as const) {
    const found = await probeMacos(undefined, { ...tools, ...more }, 501);
    expect(found).toMatchObject({ unusable: { reason: `${join(folder, name)} is missing on this machine.` } });
  }
});

describe('the provider', () => {
  const { platform } = process;
  const on = (name: string): unknown => Object.defineProperty(process, 'platform', { value: name });
  const provider = (): SandboxExecProvider =>
    new SandboxExecProvider({ logger: silentLogger, stateDir: join(folder, 'state') });
  afterEach(() => on(platform));

  test('looks for sandbox-exec where the platform is macOS, and makes nothing without it', async () => {
    on('darwin');
    const probe = await provider().probe();
    expect(probe).toMatchObject({
      available: false,
      reason: expect.stringMatching(
        /^(\/usr\/bin\/sandbox-exec is missing|On macOS this provider has no user)/,
      ) as string,
    });
    expect(await provider().reclaim(null)).toBe(0);
    const config = { sandboxId: 'box', instanceId: 'instance', mounts: [] } as unknown as SandboxConfig;
    await expect(provider().prepare('hello', folder, config)).rejects.toMatchObject({ code: 'SANDBOX001' });
  });

  test('names the platforms that it knows on any other', async () => {
    on('freebsd');
    expect(await provider().probe()).toMatchObject({
      available: false,
      reason: 'This provider isolates programs on Linux and macOS; this machine runs "freebsd".',
    });
  });
});
