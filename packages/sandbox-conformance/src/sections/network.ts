import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, ListenOptions } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { NetworkPolicy } from '@ergon/sandbox-core';
import { equal, holds } from '../promises.js';
import type { House } from '../house.js';
import type { TestSandbox } from '../sandbox.js';
import { needsAll, needsGiven, needsNetwork, needsPython, section } from '../suite.js';
import type { ConformanceTest, Section } from '../suite.js';

const needsReachable = needsGiven('no fixture `reachable` given', ({ fixtures }) => fixtures.reachable !== undefined);
const needsBeside = needsGiven('no fixture `beside` given', ({ fixtures }) => fixtures.beside !== undefined);
const metadata = ['169.254.169.254', 'fd00:ec2::254', '100.100.100.200'];

export const network: Section = section('Network', [
  {
    name: 'none: there is no route, and no interface but the loopback has an address',
    needs: needsNetwork('none'),
    body: async (house) => {
      const sandbox = await withNetwork(house, { mode: 'none' });
      const { stdout } = await sandbox.sh(
        'tail -n +2 /proc/net/route; grep -v " lo$" /proc/net/ipv6_route; grep -v " lo$" /proc/net/if_inet6; echo end',
      );
      equal(stdout, 'end\n', {
        promise: 'Network `none` is a network namespace with nothing but a loopback.',
        mend: 'Give the sandbox a network of its own that leads nowhere.',
      });
    },
  },
  {
    name: 'none: nothing can be reached, and no name resolved',
    needs: needsAll(needsNetwork('none'), needsPython),
    body: async (house) => {
      const sandbox = await withNetwork(house, { mode: 'none' });
      const targets = ['1.1.1.1', '8.8.8.8', '2606:4700:4700::1111', ...metadata, ...ownAddresses()];
      for (const target of targets) {
        const answer = await dial(house, sandbox, target, 53);
        holds(
          !answer.startsWith('connected') && answer !== 'timed out',
          {
            promise: 'With network `none` a connection fails at once.',
            mend: 'There has to be no route; dropping packets makes programs wait.',
          },
          `${target}: ${answer}`,
        );
      }
      const { stdout } = await sandbox.run([house.python, '-c', resolve, 'example.org']);
      equal(stdout, 'not resolved\n', {
        promise: 'With network `none` no name is resolved.',
        mend: 'Give it no resolver.',
      });
    },
  },
  {
    name: 'full: what the author names can be reached',
    needs: needsAll(needsNetwork('full'), needsReachable, needsPython),
    body: async (house) => {
      const sandbox = await withNetwork(house, { mode: 'full' });
      const { host = '', port = 0 } = house.claims.fixtures.reachable ?? {};
      equal(await dial(house, sandbox, host, port), 'connected', {
        promise: 'With network `full` the outside can be reached.',
        mend: 'Route and translate its addresses.',
      });
    },
  },
  {
    name: 'full: there is a route to the outside',
    needs: needsNetwork('full'),
    body: async (house) => {
      const sandbox = await withNetwork(house, { mode: 'full' });
      const { stdout } = await sandbox.sh(
        'tail -n +2 /proc/net/route | grep -q "[[:blank:]]00000000[[:blank:]]" && echo route; grep -v " lo$" /proc/net/ipv6_route | grep -q "^0\\{32\\} 00 " && echo route; true',
      );
      holds(
        stdout.startsWith('route\n'),
        {
          promise: 'With network `full` a sandbox has an interface with a default route.',
          mend: 'Give it a network, or do not claim `full`.',
        },
        stdout,
      );
    },
  },
  {
    name: 'full: metadata addresses of clouds are closed',
    needs: needsAll(needsNetwork('full'), needsPython),
    body: async (house) => {
      const sandbox = await withNetwork(house, { mode: 'full' });
      for (const target of metadata) {
        const answer = await dial(house, sandbox, target, 80);
        holds(
          // Where there is no such service, an open way to it times out.
          !answer.startsWith('connected') && answer !== 'timed out',
          {
            promise: 'The addresses at which clouds hand out credentials are closed.',
            mend: 'Blackhole 169.254.0.0/16, fd00:ec2::254 and 100.100.100.200 before the program starts.',
          },
          `${target}: ${answer}`,
        );
      }
    },
  },
  {
    name: 'full: what a neighbour without walls reaches of the machine below is closed to a sandbox, at its gateway too',
    needs: needsAll(needsNetwork('full'), needsBeside, needsPython),
    body: async (house) => {
      const { beside } = house.claims.fixtures;
      const services = beside?.services ?? [];
      for (const service of services) {
        if (!(await beside?.reaches(service)))
          throw new Error(`Nobody reaches ${service.host}:${service.port} of the fixture \`beside\`.`);
      }
      const sandbox = await withNetwork(house, { mode: 'full' });
      const gateways = await gatewaysOf(house, sandbox);
      const ports = new Set(services.map(({ port }) => port));
      const atGateways = [...ports].flatMap((port) => gateways.map((host) => ({ host, port })));
      for (const { host, port } of [...services, ...atGateways]) {
        const answer = await dial(house, sandbox, host, port);
        holds(!answer.startsWith('connected'), closed, `${host}:${port}: ${answer}`);
      }
    },
  },
  ...(['none', 'full'] as const).flatMap((mode) => [
    loopbackIsClosed(mode),
    addressesAreClosed(mode),
    abstractSocketsAreClosed(mode),
  ]),
]);

function loopbackIsClosed(mode: 'none' | 'full'): ConformanceTest {
  return {
    name: `${mode}: a service on the host's loopback is not reached, by loopback, by the gateway, or by the host's own addresses`,
    needs: needsAll(needsNetwork(mode), needsPython),
    body: async (house) => {
      const sandbox = await withNetwork(house, { mode });
      await listening({ host: '127.0.0.1', port: 0 }, async (address, connections) => {
        const { port } = address as AddressInfo;
        const gateways = await gatewaysOf(house, sandbox);
        for (const target of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '0.0.0.0', ...gateways, ...ownAddresses()]) {
          const answer = await dial(house, sandbox, target, port);
          holds(!answer.startsWith('connected'), closed, `${target}: ${answer}`);
        }
        equal(connections(), 0, closed);
      });
    },
  };
}

/** What listens on every address is open to whoever has a route to one of them: only walls close it. */
function addressesAreClosed(mode: 'none' | 'full'): ConformanceTest {
  return {
    name: `${mode}: a service on all addresses of the host is not reached, by the gateway, or by the host's own addresses`,
    needs: needsAll(needsNetwork(mode), needsPython),
    body: async (house) => {
      const sandbox = await withNetwork(house, { mode });
      await listening({ host: '0.0.0.0', port: 0 }, async (address, connections) => {
        const { port } = address as AddressInfo;
        const targets = new Set([...(await gatewaysOf(house, sandbox)), ...ownAddresses()]);
        for (const target of [...targets].filter((each) => !each.includes(':'))) {
          const answer = await dial(house, sandbox, target, port);
          holds(!answer.startsWith('connected'), closed, `${target}: ${answer}`);
        }
        equal(connections(), 0, closed);
      });
    },
  };
}

function abstractSocketsAreClosed(mode: 'none' | 'full'): ConformanceTest {
  return {
    name: `${mode}: an abstract unix socket of the host is not reached`,
    needs: needsAll(needsNetwork(mode), needsPython),
    body: async (house) => {
      const sandbox = await withNetwork(house, { mode });
      const name = `ergon-conformance-${randomBytes(8).toString('hex')}`;
      await listening({ path: `\0${name}` }, async (_, connections) => {
        const { stdout } = await sandbox.run([house.python, '-c', dialAbstract, name]);
        equal([stdout, connections()], ['refused\nrefused\n', 0], closed);
      });
    },
  };
}

const closed = {
  promise: "The host's own services are closed to a sandbox, whatever its network.",
  mend: "Never share the host's network namespace; close its addresses, and what a gateway maps to them, before the program starts.",
};

function withNetwork(house: House, policy: NetworkPolicy): Promise<TestSandbox> {
  return house.sandbox({ config: { network: policy } });
}

/** Addresses of this machine, but for its loopback. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).flatMap(({ address, internal }) => (internal || address.startsWith('fe80:') ? [] : [address])),
  );
}

/** Addresses, as a program of the sandbox reads them in /proc/net/route. */
async function gatewaysOf(house: House, sandbox: TestSandbox): Promise<string[]> {
  const { stdout } = await sandbox.run([house.python, '-c', listGateways]);
  return stdout.split('\n').filter((line) => line !== '');
}

/** @returns `connected`, `timed out`, or how it failed */
async function dial(house: House, sandbox: TestSandbox, host: string, port: number): Promise<string> {
  const { stdout } = await sandbox.run([house.python, '-c', dialTcp, host, String(port)]);
  return stdout.trim();
}

/** A service of the host's for the time of some work; counts its connections. */
async function listening(
  where: ListenOptions,
  work: (address: AddressInfo | string | null, connections: () => number) => Promise<void>,
): Promise<void> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  server.listen(where);
  await once(server, 'listening');
  try {
    const address = server.address();
    // Else a service that nobody could reach would prove nothing.
    const port = typeof address === 'object' && address !== null ? address.port : null;
    await once(port === null ? connect(where.path ?? '') : connect(port, '127.0.0.1'), 'close');
    if (connections !== 1) throw new Error("The test's own service cannot be reached on this host.");
    connections = 0;
    await work(address, () => connections);
  } finally {
    server.close();
    await once(server, 'close');
  }
}

const dialTcp = `import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
s.settimeout(3)
try: s.connect((host, port)); print('connected')
except socket.timeout: print('timed out')
except OSError as e: print(e.strerror or e)`;

const resolve = `import socket, sys
try: socket.getaddrinfo(sys.argv[1], 80); print('resolved')
except OSError: print('not resolved')`;

/** Node pads the name with NULs or does not, by its version. */
const dialAbstract = `import socket, sys
for name in ('\\0' + sys.argv[1], ('\\0' + sys.argv[1]).ljust(108, '\\0')):
  s = socket.socket(socket.AF_UNIX)
  try: s.connect(name); print('connected')
  except OSError: print('refused')`;

const listGateways = `import socket, struct
try:
  for line in open('/proc/net/route').readlines()[1:]:
    gateway = int(line.split()[2], 16)
    if gateway: print(socket.inet_ntoa(struct.pack('<I', gateway)))
except OSError: pass`;
