/**
 * What no sandbox reaches, by IANA's registries of special-purpose addresses and the clouds' documentation: other machines' private networks, carrier-grade NAT (100.100.100.200 is
 * Alibaba's metadata), this host (127/8: where an engine routes it from a bridge), link-local (metadata), protocol assignments (192.0.0.192: Oracle's), benchmarks, multicast and
 * broadcast (a host's services hear both), and Azure's WireServer, which has a public address.
 */
const closed4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

// By number, since an image may have no /etc/protocols.
const udpAndTcp = [17, 6];

/** What is closed in one sandbox's network, as commands of `ip -batch`. */
export interface ClosingCommands {
  readonly ipv4: readonly string[];
  /** All of IPv6 but its own loopback: the network has none. */
  readonly ipv6: readonly string[];
}

/**
 * IPsec policies that block by destination (ip-xfrm(8)). Not routes: where a socket is bound to the device (SO_BINDTODEVICE, which needs no privilege), the kernel takes a destination
 * without a usable route for a neighbour and sends all the same (net/ipv4/route.c, "Apparently, routing tables are wrong"), and so reaches every address of the host. A policy is
 * asked after that, for every packet that does not stay on the loopback.
 *
 * @param more addresses or prefixes of IPv4; those of IPv6 are closed anyway
 * @param dnsServers reached at port 53 all the same
 */
export function closingCommands(more: readonly string[], dnsServers: readonly string[]): ClosingCommands {
  const given = more
    .filter((address) => !address.includes(':'))
    .map((address) => (address.includes('/') ? address : `${address}/32`));
  const closed = [...new Set([...closed4, ...given])];
  const block = (destination: string): string => `xfrm policy add dst ${destination} dir out action block priority 100`;
  const ask = dnsServers
    .filter((address) => !address.includes(':'))
    .flatMap((address) =>
      udpAndTcp.map(
        (proto) => `xfrm policy add dst ${address}/32 proto ${proto} dport 53 dir out action allow priority 10`,
      ),
    );
  return {
    ipv4: [...ask, ...closed.map(block)],
    ipv6: ['xfrm policy add dst ::1/128 dir out action allow priority 10', block('::/0')],
  };
}
