import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { claims } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';
import type { Create } from './support/run-suite.js';

type Options = readonly string[];

/** Of bubblewrap and of its filter, as the provider under test has them. */
const mockWalls = { options: (given: Options): Options => given, filter: (given: Uint8Array): Uint8Array => given };
const soundWalls = { ...mockWalls };

jest.mock('../../../packages/sandbox-provider-exec/src/linux/bubblewrap/arguments', () => {
  const actual: object & { bubblewrapArguments(plan: unknown): Options } = jest.requireActual(
    '../../../packages/sandbox-provider-exec/src/linux/bubblewrap/arguments',
  );
  return { ...actual, bubblewrapArguments: (plan: unknown) => mockWalls.options(actual.bubblewrapArguments(plan)) };
});
jest.mock('@ergon/sandbox-seccomp', () => {
  const actual: object & { seccompProgram(...args: unknown[]): Uint8Array } =
    jest.requireActual('@ergon/sandbox-seccomp');
  return { ...actual, seccompProgram: (...args: unknown[]) => mockWalls.filter(actual.seccompProgram(...args)) };
});

/** It calls bubblewrap with other options. */
function walls(change: Partial<typeof soundWalls>): Create {
  return (ports) => {
    Object.assign(mockWalls, soundWalls, change);
    return new SandboxExecProvider(ports);
  };
}

function without(...words: readonly string[]): Create {
  return walls({ options: (options) => options.filter((word) => !words.includes(word)) });
}

/** Replaces neighbouring words, where they are; `*` is any. */
function having(words: Options, others: (found: Options) => Options): Create {
  return walls({
    options: (options) => {
      const at = options.findIndex((_, index) => words.every((word, i) => word === '*' || options[index + i] === word));
      if (at < 0) return options;
      const end = at + words.length;
      return [...options.slice(0, at), ...others(options.slice(at, end)), ...options.slice(end)];
    },
  });
}

/** A folder of the host's that all may use. */
const shared = mkdtempSync(join(tmpdir(), 'ergon-shared-'));
chmodSync(shared, 0o777);
afterAll(() => rmSync(shared, { recursive: true }));
afterEach(() => Object.assign(mockWalls, soundWalls));

/** It has network `full`: the host's own. */
const fullByTheHosts: Create = (ports) => {
  without('--unshare-net')(ports);
  return claims((found) => ({ ...found, network: ['none', 'full'] }))(ports);
};

const withTmp = having(['--perms', '1777', '--size', '*', '--tmpfs', '/tmp'], () => ['--bind', shared, '/tmp']);
/** A filter of one instruction: return SECCOMP_RET_ALLOW. */
const allowAll = Uint8Array.of(0x06, 0, 0, 0, 0, 0, 0xff, 0x7f);

provesThatTheSuiteCatches([
  {
    that: "shares the host's network",
    create: without('--unshare-net'),
    caughtBy: /none: a service on the host's loopback is not reached/,
    message: /Never share the host's network namespace/,
  },
  {
    that: "shows the host's routes",
    create: without('--unshare-net'),
    caughtBy: /none: there is no route, and no interface but the loopback/,
    message: /Give the sandbox a network of its own that leads nowhere/,
  },
  {
    that: 'shows one sandbox the processes of another',
    create: having(['--proc', '/proc'], () => ['--ro-bind', '/proc', '/proc']),
    caughtBy: /two running sandboxes see nothing of each other/,
    message: /Sandboxes at the same time see and reach nothing of each other/,
  },
  {
    that: "shares the host's abstract sockets",
    create: without('--unshare-net'),
    caughtBy: /none: an abstract unix socket of the host is not reached/,
    message: /The host's own services are closed to a sandbox/,
  },
  ...[
    /full: a service on the host's loopback is not reached/,
    /full: a service on all addresses of the host is not reached/,
    /full: an abstract unix socket of the host is not reached/,
    /full: what a neighbour without walls reaches of the machine below is closed/,
  ].map((caughtBy) => ({
    that: `claims a network, and shares the host's (${caughtBy.source.slice(6, 30)}…)`,
    create: fullByTheHosts,
    caughtBy,
    message: /close its addresses, and what a gateway maps to them, before the program starts/,
    claimed: false,
  })),
  {
    that: 'claims a network that leads nowhere',
    create: claims((found) => ({ ...found, network: ['none', 'full'] })),
    caughtBy: /full: what the author names can be reached/,
    message: /Route and translate its addresses/,
    claimed: false,
  },
  {
    that: 'claims a network and has none',
    create: claims((found) => ({ ...found, network: ['none', 'full'] })),
    caughtBy: /full: there is a route to the outside/,
    message: /Give it a network, or do not claim `full`/,
    claimed: false,
  },
  {
    that: 'runs programs as root',
    create: having(['--uid', '1000'], () => ['--uid', '0']),
    caughtBy: /a program is no root/,
    message: /Never as uid 0, whatever an image says/,
  },
  {
    that: 'leaves capabilities to programs',
    create: having(['--cap-drop', 'ALL'], (found) => [...found, '--cap-add', 'CAP_NET_ADMIN']),
    caughtBy: /a program is no root/,
    message: /Drop all capabilities, the bounding set too/,
  },
  {
    that: 'filters no system calls',
    create: walls({ filter: () => allowAll }),
    caughtBy: /system calls that attack the kernel/,
    message: /Load a seccomp filter that refuses them/,
  },
  {
    that: 'leaves the root writable',
    create: having(['--remount-ro', '/'], () => []),
    caughtBy: /nothing can be written but \/workspace/,
    message: /Mount the root read-only, and \/dev too/,
  },
  {
    that: "shows the host's processes",
    create: having(['--proc', '/proc'], () => ['--ro-bind', '/proc', '/proc']),
    caughtBy: /processes of the host are neither seen nor reached/,
    message: /Give it a pid namespace of its own, with its own \/proc/,
  },
  {
    that: "shows the host's files",
    create: having(['--perms', '1777', '--size', '*', '--tmpfs', '/tmp'], (found) => [
      ...found,
      '--bind',
      tmpdir(),
      tmpdir(),
    ]),
    caughtBy: /no file of the host's is seen/,
    message: /No path of the host's leads anywhere inside/,
  },
  {
    that: 'keeps what outlives processes',
    create: without('--unshare-ipc'),
    caughtBy: /memory that outlives processes/,
    message: /Give each execution an IPC namespace of its own/,
  },
  {
    that: 'lets programs write to /solution',
    create: having(['--ro-bind', '*', '/solution', '--bind', '*', '/workspace'], ([, , , ...workspace]) => [
      ...['--bind', workspace[1] ?? '', '/solution'],
      ...workspace,
    ]),
    caughtBy: /\/solution cannot be changed from inside/,
    message: /\/solution is read-only/,
  },
  {
    that: 'keeps /tmp between executions',
    create: withTmp,
    caughtBy: /\/workspace and \/output stay between executions/,
    message: /\/tmp and \/dev\/shm begin empty each time/,
  },
  {
    that: 'has one /tmp for all sandboxes',
    create: withTmp,
    caughtBy: /one sandbox's \/workspace, \/output and \/tmp are not another's/,
    message: /Sandboxes of one solution share nothing that can be written/,
  },
  {
    that: 'lets programs write to mounts',
    create: having(['--ro-bind', '*', '/layers/a'], ([, ...found]) => ['--bind', ...found]),
    caughtBy: /they cannot be changed from inside, and the folder of the host stays/,
    message: /Mounts are read-only, whatever the modes of their files/,
  },
  {
    that: 'has /workspace in memory',
    create: having(['--bind', '*', '/workspace'], () => ['--perms', '1777', '--tmpfs', '/workspace']),
    caughtBy: /memory: a program below the limit does not meet it, and writing files is not memory/,
    message: /Keep \/workspace and \/output on disk \(a tmpfs is memory\)/,
    rootOnly: true,
  },
]);
