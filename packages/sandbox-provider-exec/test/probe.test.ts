import type { ExecutionEnd, ProviderProbe } from '@ergon/sandbox-core';
import { processesMarked } from '../src/linux/processes.js';
import { ChildServer } from './support/child.js';
import { cgroups, isRoot } from './support/server.js';

interface Outcome {
  readonly probe: ProviderProbe;
  readonly run:
    | { readonly stdout: string; readonly stderr: string; readonly end: ExecutionEnd; readonly left: string[] }
    | undefined;
}

/** What a server finds, and what a script does in its sandbox, in namespaces that a shell prepared. */
async function inNamespaces(options: string, prepare: string, ...words: readonly string[]): Promise<Outcome> {
  const before = ['unshare', ...options.split(' '), '--', '/bin/sh', '-c', `set -e\n${prepare}\nexec "$@"`, 'sh'];
  const child = new ChildServer('probe-server.ts', words, { before });
  await child.exited;
  const of = (type: string): unknown => child.said.find((each) => each.type === type);
  const probe = (of('probe') as { probe: ProviderProbe } | undefined)?.probe;
  if (probe === undefined) throw new Error(`No probe: ${child.stderr}`);
  return { probe, run: of('run') as Outcome['run'] };
}
const ownMounts = isRoot ? '-m --propagation private' : '-Urm';
const replaced = (how: string): string =>
  `mount -t tmpfs t /srv; ${how}; chmod 755 /srv/bwrap; mount --bind /srv/bwrap /usr/bin/bwrap`;

test('no bubblewrap: says so, and how to install it', async () => {
  const { probe } = await inNamespaces(ownMounts, 'mount --bind /dev/null /usr/bin/bwrap');
  expect(probe).toEqual({
    available: false,
    reason: 'bubblewrap is not installed.',
    fix: 'Install it with "apt-get install bubblewrap" (or "dnf install bubblewrap").',
  });
});

test('a bubblewrap that is too old', async () => {
  const { probe } = await inNamespaces(
    ownMounts,
    replaced('printf "#!/bin/sh\\necho bubblewrap 0.4.1\\n" > /srv/bwrap'),
  );
  expect(probe).toEqual({
    available: false,
    reason: "bubblewrap 0.4.1 is too old: it can't forbid nested user namespaces.",
    fix: 'Upgrade it to 0.8.0 or newer.',
  });
});

test('a bubblewrap that is setuid root is not used', async () => {
  const { probe } = await inNamespaces(ownMounts, `${replaced('cp /usr/bin/bwrap /srv/bwrap')}; chmod 4755 /srv/bwrap`);
  expect(probe).toEqual({
    available: false,
    reason: '/usr/bin/bwrap is setuid root, which lets programs that escape it become root.',
    fix: 'Allow unprivileged user namespaces and remove the bit with "chmod u-s /usr/bin/bwrap".',
  });
});

test('something else by its name', async () => {
  const { probe } = await inNamespaces(ownMounts, replaced('printf "#!/bin/sh\\necho hello\\n" > /srv/bwrap'));
  expect(probe).toMatchObject({ available: false, reason: '/usr/bin/bwrap does not answer as bubblewrap does.' });
});

const abortedWhile: readonly (readonly [string, string])[] = [
  ['it asks for a version', ':'],
  // A server that is root of a user namespace comes no further.
  ...(isRoot ? [['it makes a sandbox', '[ "$1" = --version ] && echo bubblewrap 0.8.0 && exit'] as const] : []),
];
test.each(abortedWhile)(
  'a probe that is aborted while %s ends with the reason, and leaves no process',
  async (_, before) => {
    const hangs = `#!/bin/sh\n${before}\nsleep 1004 &\n: > /srv/up\nwait\n`;
    const prepare = replaced(`chmod 1777 /srv; printf '%s' '${hangs}' > /srv/bwrap`);
    const { probe } = await inNamespaces(ownMounts, prepare, 'true', '/srv/up');
    expect(probe).toEqual({ available: false, reason: 'enough' });
    expect(processesMarked((word) => word === '1004')).toEqual([]);
  },
);

test('user namespaces switched off by sysctl', async () => {
  const { probe } = await inNamespaces('-Ur', 'echo 0 > /proc/sys/user/max_user_namespaces');
  expect(probe).toEqual({
    available: false,
    reason: 'User namespaces are switched off on this machine (user.max_user_namespaces is 0).',
    fix: 'Allow them with "sysctl -w user.max_user_namespaces=15000".',
  });
});

test('user namespaces used up', async () => {
  // One is allowed below the first; the server, an ordinary user there, has it.
  const prepare = 'echo 1 > /proc/sys/user/max_user_namespaces; set -- unshare -U --map-user=1234 -- "$@"';
  const { probe } = await inNamespaces('-Ur', prepare);
  expect(probe).toEqual({
    available: false,
    reason: 'No more user namespaces are allowed on this machine (user.max_user_namespaces).',
    fix: 'Allow them with "sysctl -w user.max_user_namespaces=15000".',
  });
});

test('root of a user namespace, who has no users to give', async () => {
  const { probe } = await inNamespaces('-Ur', ':');
  expect(probe).toMatchObject({
    available: false,
    reason: expect.stringContaining('root of a user namespace') as string,
  });
});

test('a tool that is missing', async () => {
  const hide = 'mount -t tmpfs t /srv; : > /srv/x; mount --bind /srv/x /usr/bin/prlimit';
  const { probe } = await inNamespaces(ownMounts, hide);
  expect(probe).toMatchObject({ available: false, reason: 'The tool "prlimit" is missing.' });
});

// An ordinary user's server has none of these means, and can hide a tool only as root of a user namespace, where it refuses to work.
if (isRoot) {
  const opened = '(: </dev/ptmx) 2>/dev/null && echo opened; ls -A /dev/pts; echo runs';
  const without = (tool: string, instead: string): string =>
    `mount -t tmpfs t /srv; ${instead} > /srv/x; mount --bind /srv/x /usr/bin/${tool}`;

  test.each([
    ['perl is missing', without('perl', ':'), 'Terminals need the tool "perl" on the host, which is missing.'],
    ['setsid is missing', without('setsid', ':'), 'Terminals need the tool "setsid" on the host, which is missing.'],
    [
      'they could not be limited',
      without('perl', 'printf "#!/bin/sh\necho Function not implemented >&2; exit 38\n"') + '; chmod 755 /srv/x',
      'How many terminals a sandbox has could not be limited here, so it has none: Function not implemented.',
    ],
  ])('where %s there are no terminals, and the details say why', async (_, prepare, terminals) => {
    const { probe, run } = await inNamespaces(ownMounts, prepare, opened);
    expect(probe).toMatchObject({ available: true, capabilities: { tty: false, details: { terminals } } });
    expect(run).toMatchObject({ stdout: 'runs\n', end: { cause: 'exited' }, left: [] });
  });

  describe("a root server's means that are not there", () => {
    const noCgroups = 'umount -a -t cgroup,cgroup2';
    const noImages = 'mount -t tmpfs t /srv; : > /srv/x; mount --bind /srv/x /usr/sbin/mkfs.ext4';
    const attempt = (prepare: string, script: string): Promise<Outcome> =>
      inNamespaces('-m --propagation private', prepare, script);

    test('without cgroups limits are kept by a watchdog and rlimits, and called best effort', async () => {
      const { probe, run } = await attempt(
        noCgroups,
        'id -u; exec python3 -c "import time; x = bytearray(300 << 20); time.sleep(9)"',
      );
      expect(probe).toMatchObject({
        available: true,
        capabilities: { limits: { memory: 'best-effort', cpu: 'best-effort', pids: 'hard', disk: 'hard' } },
      });
      expect(run).toMatchObject({
        stdout: '1000\n',
        end: { cause: 'limit', limitsHit: [{ limit: 'memory' }] },
        left: [],
      });
      const forks =
        'import os,time\nn=0\ntry:\n  while True:\n    if os.fork()==0: time.sleep(3); os._exit(0)\n    n+=1\nexcept OSError: print(n)';
      expect((await attempt(noCgroups, `exec python3 -c '${forks}'`)).run).toMatchObject({ stdout: '19\n', left: [] });
    });

    test('without images the disk is polled, and called best effort', async () => {
      const fill = 'for i in 1 2 3 4 5 6 7 8 9; do head -c 4000000 /dev/zero > f$i; sleep 0.1; done; sleep 5';
      const { probe, run } = await attempt(noImages, fill);
      expect(probe).toMatchObject({
        available: true,
        capabilities: { limits: { memory: 'hard', disk: 'best-effort' } },
      });
      expect(run).toMatchObject({ end: { cause: 'limit', limitsHit: [{ limit: 'disk' }] }, left: [] });
    });
  });
}

test('what works here is said exactly', async () => {
  const { probe } = await inNamespaces(isRoot ? '-m' : '-Um --map-current-user', ':');
  const kept = cgroups !== 'none' ? 'hard' : 'best-effort';
  expect(probe).toMatchObject({
    available: true,
    capabilities: {
      isolation: 'namespaces',
      limits: {
        memory: kept,
        cpu: kept,
        disk: isRoot ? 'hard' : 'best-effort',
        pids: 'hard',
        'open-files': 'hard',
        'file-size': 'hard',
        output: 'hard',
        'wall-time': 'hard',
      },
      network: ['none'],
      runtimes: [], // of containers
      details: { languages: 'shell, python, node' },
    },
  });
});

test('a user without an entry and a home, as in a container that was given a number, has sandboxes as well', async () => {
  const prepare = 'unset HOME; if getent passwd "$(id -u)"; then exit 1; fi';
  const { probe, run } = await inNamespaces('-U --map-user=987654 --map-group=987654', prepare, 'echo runs');
  expect(probe).toMatchObject({ available: true, capabilities: { details: { server: 'ordinary user' } } });
  expect(run).toMatchObject({ stdout: 'runs\n', end: { cause: 'exited' }, left: [] });
});

if (isRoot) {
  test('root without the right to mount, as in a container', async () => {
    const { probe } = await inNamespaces(
      '-m',
      'set -- setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin -- "$@"',
    );
    expect(probe).toEqual({
      available: false,
      reason: 'This server is root without the right to mount (CAP_SYS_ADMIN), as in a container.',
      fix: 'Run it as an ordinary user ("--user 1000" of a container), or on the host.',
    });
  });
}
