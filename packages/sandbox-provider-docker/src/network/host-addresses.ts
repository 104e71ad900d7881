import { execFile } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { SandboxError, sentenceOf } from '@ergon/sandbox-core';
import { sshEnvironment, type Endpoint } from '../connect/index.js';
import { bounded } from '../engine/bounded.js';

/** A name server is tried again by the system's resolver, which waits longer than anybody here wants to, in ms. */
const LOOKUP_MS = 15_000;

/**
 * The addresses by which the engine's host is known here: this machine's own for an engine behind a socket, those of its name otherwise. What else it has there, beyond private
 * ranges, which are closed anyway, is not known here.
 *
 * @throws SandboxError SANDBOX001 for a name without an address, or one that is not found in time; the signal's reason
 */
export async function engineAddresses(
  { address, source }: Endpoint,
  signal?: AbortSignal,
  ms = LOOKUP_MS,
): Promise<string[]> {
  if (address.kind === 'socket') return ownAddresses();
  try {
    return await bounded(ms, signal, async (over) => {
      const name = address.kind === 'ssh' ? await sshHostName(address.host, over) : address.host;
      return (await lookup(name, { all: true })).map((found) => found.address);
    });
  } catch (error) {
    signal?.throwIfAborted();
    throw new SandboxError(
      'SANDBOX001',
      `${source} names an engine on ${address.host}, of which no address is found: ${sentenceOf(error)}`.replace(
        /\.?$/,
        '.',
      ),
      { cause: error },
    );
  }
}

/** Of IPv4 all that the kernel takes for its own: an interface without a link is not among Node's, and its addresses answer all the same. */
function ownAddresses(): string[] {
  const known = Object.values(networkInterfaces()).flatMap((each = []) => each.map((found) => found.address));
  if (process.platform !== 'linux') return known;
  const local = readFileSync('/proc/net/fib_trie', 'utf8').matchAll(/\|-- (\S+)\n\s+\/32 host LOCAL/g);
  return [...new Set([...known, ...[...local].flatMap(([, found]) => found ?? [])])];
}

/** A host of ssh's may be a name in its settings only. They may name commands, which may take any time (ssh_config(5), Match exec). */
async function sshHostName(host: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await promisify(execFile)('ssh', ['-G', '--', host], { env: sshEnvironment(), signal });
  return /^hostname (.+)$/m.exec(stdout)?.[1] ?? host;
}
