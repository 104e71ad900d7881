import { connect, resolveEndpoint } from '../../src/connect/index.js';
import { type RunningGuest, startGuest } from './guest.js';

const docker = connect(resolveEndpoint());
export const debian = 'ergon-test/debian:1';

/** Answers on TCP and UDP at every address of its network namespace; at the port above, on TCP, at 127.0.0.1. */
const server = `
import socket, sys, threading
def tcp(host, port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port)); listener.listen()
    while True:
        connection, _ = listener.accept(); connection.sendall(b'here'); connection.close()
def udp(host, port, answer):
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); listener.bind((host, port))
    while True:
        data, sender = listener.recvfrom(999); listener.sendto(answer(data), sender)
port = int(sys.argv[1])
for target, args in [(tcp, ('0.0.0.0', port)), (tcp, ('127.0.0.1', port + 1)), (udp, ('0.0.0.0', port, lambda data: b'here'))]:
    threading.Thread(target=target, args=args).start()
print('serving', flush=True)
`;

/** Answers questions for names, all with 203.0.113.9. */
const nameServer = `
import socket, sys
def name(question):
    end = question.index(b'\\0', 12) + 5
    kind = question[end - 4:end - 2]
    head = question[:2] + b'\\x81\\x80\\0\\1' + (b'\\0\\1' if kind == b'\\0\\1' else b'\\0\\0') + b'\\0\\0\\0\\0' + question[12:end]
    return head + (b'\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4' + bytes([203, 0, 113, 9]) if kind == b'\\0\\1' else b'')
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); listener.bind((sys.argv[1], 53))
print('serving', flush=True)
while True:
    data, sender = listener.recvfrom(999); listener.sendto(name(data), sender)
`;

/** Tells of each address whether anything came back, by TCP and UDP, with a socket as it is and with one bound to the device. */
const visitor = `
import json, socket, sys
def attempt(address, port, kind, bound):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with socket.socket(family, kind) as s:
        s.settimeout(1)
        try:
            if bound: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0')
            if kind == socket.SOCK_DGRAM:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                s.sendto(b'?', socket.getaddrinfo(address, port, family, kind)[0][4])
            else: s.connect(socket.getaddrinfo(address, port, family, kind)[0][4])
            return s.recv(9) == b'here'
        except OSError: return False
for address in sys.argv[2:]:
    ways = [(kind, bound) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM) for bound in (False, True)]
    print(address, 'reached' if any(attempt(address, int(sys.argv[1]), *way) for way in ways) else 'closed')
`;

/** The addresses that something answered at, asked from a container with this network. */
export async function reached(
  networkMode: string,
  port: number,
  addresses: readonly string[],
  user?: string,
): Promise<string[]> {
  const options = { networkMode, image: debian, ...(user && { user }) };
  await using running = await startGuest(docker, `python3 -c "$0" ${port} ${addresses.join(' ')}`, options, visitor);
  const said = await running.output;
  const lines = said.trim().split('\n');
  if (lines.length !== addresses.length) throw new Error(`The visitor failed: ${said}`);
  return lines.flatMap((line) => (line.endsWith(' reached') ? [line.split(' ')[0] ?? ''] : []));
}

/** The addresses of the engine's host, which may be in a network of its own, but for loopbacks. */
export async function addressesOfHost(): Promise<string[]> {
  const script = 'ip -4 -o address show | while read -r _ _ _ address _; do echo "${address%/*}"; done';
  await using running = await startGuest(docker, script, { networkMode: 'host', image: debian });
  const addresses = (await running.output).trim().split('\n');
  return addresses.filter((address) => !address.startsWith('127.'));
}

/** A server with this network, which serves when this resolves, at this port and the one above. */
export function serve(networkMode: string, port = 7777): Promise<RunningGuest> {
  return start(`exec python3 -c "$0" ${port}`, networkMode, server);
}

/** A name server with this network, at this one of its addresses. */
export function serveNames(networkMode: string, address: string): Promise<RunningGuest> {
  return start(`exec python3 -c "$0" ${address}`, networkMode, nameServer);
}

async function start(script: string, networkMode: string, program: string): Promise<RunningGuest> {
  const options = { networkMode, image: debian, user: '0:0', capabilities: ['NET_BIND_SERVICE'] };
  const running = await startGuest(docker, script, options, program);
  await running.says('serving');
  return running;
}

/** A network of the host's for a test: one of the ranges that are for documentation, and the device by which the host is in it. */
export interface Link {
  readonly device: string;
  /** The first three numbers of its addresses. */
  readonly range: string;
}

const ownLink: Link = { device: 'ergon-public', range: '203.0.113' };

/** Addresses that the host has for the test. */
export function hostAddressesOf({ range }: Link): string[] {
  return ['169.254.169.254', '100.100.100.200', '168.63.129.16', '10.98.76.54', '192.168.251.1', `${range}.1`];
}
/** The address of a machine beyond the host that is reached through it. */
export function publicAddressOf({ range }: Link): string {
  return `${range}.7`;
}
export const hostAddresses = hostAddressesOf(ownLink);
export const publicAddress = publicAddressOf(ownLink);

/** Gives the host of the engine those addresses, and a link to the machine `beyond`; gives back what takes them away. */
export async function link(beyond: RunningGuest, place = ownLink): Promise<() => Promise<void>> {
  const { device, range } = place;
  const { State } = await beyond.container.inspect();
  const inside = `nsenter --target ${State.Pid} --net`;
  const script = [
    `ip link delete ${device} 2>/dev/null; set -e`, // a run that was killed leaves it
    `ip link add ${device} type veth peer name beyond netns ${State.Pid}`,
    ...hostAddressesOf(place).map(
      (address) => `ip address add ${address}/${address.startsWith(range) ? 24 : 32} dev ${device}`,
    ),
    `ip link set ${device} up`,
    `${inside} ip address add ${publicAddressOf(place)}/24 dev beyond`,
    `${inside} ip link set beyond up`,
    `${inside} ip route add default via ${range}.1`,
  ].join('\n');
  await onHost(script);
  // With the container it would go, too, but whenever the kernel finds the time.
  return () => onHost(`ip link delete ${device}`);
}

/** Runs a script as root of the engine's host, where networks are concerned. */
async function onHost(script: string): Promise<void> {
  const container = await docker.createContainer({
    Image: debian,
    Cmd: ['sh', '-c', script],
    Tty: true,
    HostConfig: {
      NetworkMode: 'host',
      PidMode: 'host',
      CapAdd: ['NET_ADMIN', 'SYS_ADMIN', 'SYS_PTRACE'],
      SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
    },
  });
  try {
    await container.start();
    const { StatusCode } = (await container.wait()) as { StatusCode: number };
    const log = (await container.logs({ stdout: true, stderr: true })).toString();
    if (StatusCode !== 0) throw new Error(`The test's network was not changed: ${log}`);
  } finally {
    await container.remove({ force: true });
  }
}
