import { existsSync, readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import type { Endpoint } from '../connect/index.js';

/** resolv.conf(5); of systemd-resolved the second has what it asks itself, where the first names only a stub on the loopback. */
const FILES = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/**
 * The name servers of the engine's host, if that is this machine: the engine asks them from inside of a sandbox's network, in which private addresses are
 * closed, and most name servers have such a one. Empty: not known here, and the engine's own choice holds.
 */
export function engineResolvers({ address }: Endpoint): readonly string[] {
  if (address.kind !== 'socket') return [];
  for (const file of FILES) {
    const servers = existsSync(file) ? nameServers(readFileSync(file, 'utf8')) : [];
    if (servers.length > 0) return servers;
  }
  return [];
}

/** The name servers of a resolv.conf(5) that a container could ask: of IPv4, and not on a loopback. */
export function nameServers(text: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const server = /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? '';
    return isIPv4(server) && !server.startsWith('127.') ? [server] : [];
  });
}
