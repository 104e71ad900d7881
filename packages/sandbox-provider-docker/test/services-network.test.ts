import type { RunningGuest } from './support/guest.js';
import { addressesOfHost, reached, serve } from './support/neighbours.js';
import { BUSYBOX, DEBIAN, TestServer } from './support/server.js';
import { service, Told } from './support/services.js';
import { until } from './support/until.js';

jest.setTimeout(180_000);

const PORT = 7790;
let server: TestServer;
let host: RunningGuest;
let addresses: string[];
beforeAll(async () => {
  server = new TestServer({ images: { default: BUSYBOX, network: DEBIAN } });
  host = await serve('host', PORT);
  addresses = await addressesOfHost();
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  expect(await server.leftovers()).toEqual([]);
});

/** Tells where it is, whom it sees, and what it reaches of the host. */
const look = `
import os, socket, sys
def reaches(address, port):
    try:
        with socket.create_connection((address, port), 1) as s: return s.recv(9) == b'here'
    except OSError: return False
print('network', os.readlink('/proc/self/ns/net'))
print('links', *sorted(line.split(':')[0].strip() for line in open('/proc/net/dev').readlines()[2:]))
print('reached', *[a for a in sys.argv[2:] if reaches(a, int(sys.argv[1]))])
def found(name):
    try: return socket.gethostbyname(name)
    except OSError: return 'unknown'
print('names', *[found(name) for name in ('db', 'other', 'host.docker.internal', 'gateway.docker.internal')])
seen = [open(f'/proc/{pid}/cmdline').read().replace('\\0', ' ') for pid in os.listdir('/proc') if pid.isdigit()]
print('processes', len([line for line in seen if 'a-secret' + '-word' in line]))
`;

test.each(['none', 'full'] as const)(
  'in network %s a service is where the program is, neither reaches the host, its engine or its metadata, and neither sees the processes of the other',
  async (mode) => {
    // The test's own proof: what is looked for can be found.
    expect(addresses).not.toEqual([]);
    expect(await reached('host', PORT, addresses)).toEqual(addresses);
    const told = new Told();
    const words = [String(PORT), ...addresses, '169.254.169.254'];
    const services = {
      db: service('', {
        command: ['python3', '-u', '-c', `${look}\nimport time; time.sleep(1000)`, ...words, 'a-secret-word'],
      }),
      other: service('exec sleep 1000'),
    };
    const sandbox = await server.sandbox(
      {},
      { timeoutMs: 120_000 }, // names that nobody knows are asked for as long as name servers do not answer
      { image: DEBIAN, network: { mode }, services, report: told.report },
    );
    const { stdout } = await sandbox.run(['python3', '-c', look, ...words]);
    const own = Object.fromEntries(stdout.trim().split('\n').map(pair));
    const said = (): string[] => told.services.flatMap((each) => ('text' in each ? [each.text] : []));
    await until('the service has looked', () => said().some((line) => line.startsWith('processes')));
    const its = Object.fromEntries(said().map(pair));
    const links = mode === 'none' ? 'lo' : 'eth0 lo';
    const expected = { network: own.network, links, reached: '', names: '127.0.0.1 127.0.0.1 unknown unknown' };
    expect(own).toEqual({ ...expected, processes: '0' });
    expect(its).toEqual({ ...expected, processes: '1' }); // its own
    await sandbox.cleanup();
  },
);

function pair(line: string): [string, string] {
  const [name = '', ...rest] = line.split(' ');
  return [name, rest.join(' ')];
}
