import { isIP } from 'node:net';
import { SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';
import { AttachedShell } from '../attached/attached-shell.js';
import { ANSWER_MS, bounded, MAKE_MS } from '../engine/bounded.js';
import { Engine } from '../engine/engine.js';
import { withoutHostPaths } from '../engine/errors.js';
import { nameOf } from '../names.js';
import { closingCommands } from './closed.js';

export interface NetworkOptions {
  readonly sandboxId: string;
  /** On the network and on its holder. */
  readonly labels: Readonly<Record<string, string>>;
  /** Needs `sh`, `grep`, and iproute2's `ip`: BusyBox's knows no policies. */
  readonly image: string;
  /** More addresses or prefixes that no sandbox may reach, e.g. the public ones of the engine's host. */
  readonly hostAddresses: readonly string[];
  /** Asked by the engine's resolver instead of those that it takes from its host; reached at port 53 though their addresses be closed. */
  readonly dnsServers?: readonly string[];
  /** Names of the loopback, for all that join. */
  readonly names?: readonly string[];
  /** HostConfig.SecurityOpt of every container of ours (no-new-privileges, the seccomp profile). */
  readonly securityOpt: readonly string[];
  readonly signal?: AbortSignal;
}

export interface SandboxNetwork {
  /** HostConfig.NetworkMode of what joins: `container:ID`. */
  readonly networkMode: string;
  /** Removes holder and network, once no container is in it. Safe to call twice. */
  close(): Promise<void>;
}

/** Closes what `$1` and `$2` say, and tells how much of it the kernel says to have; then holds the network for as long as its stdin is. */
const script = [
  'IFS= read -r _ || exit',
  'close() {',
  `  printf '%s\\n' "$1" | ip -4 -batch - && ipv4=$(ip -4 xfrm policy list dir out | grep -c 'action block') || return`,
  '  [ -e /proc/net/if_inet6 ] || { ipv6=none; return; }',
  `  printf '%s\\n' "$2" | ip -6 -batch - && ipv6=$(ip -6 xfrm policy list dir out | grep -c 'action block')`,
  '}',
  // Of both streams a file would be needed otherwise, and the root is read-only.
  'said=$(close "$1" "$2" 2>&1 && echo "closed $ipv4 $ipv6") || said="failed: $said"',
  'echo $said',
  'while IFS= read -r _; do :; done',
].join('\n');

const what = 'The container that holds the network';

/**
 * A network of its own for one sandbox: what is public can be reached, and nothing of the engine's host, of its private networks, or of other sandboxes. All of it is closed before
 * anything can join, and by nothing that what joins could change without a capability.
 *
 * @throws SandboxError SANDBOX009 where it can't be closed; SANDBOX001, SANDBOX011. Then nothing is left.
 */
export async function openNetwork(docker: Dockerode, options: NetworkOptions): Promise<SandboxNetwork> {
  const { sandboxId, labels, image, hostAddresses, dnsServers = [], names = [], securityOpt, signal } = options;
  [...hostAddresses, ...dnsServers].forEach(assertAddress);
  signal?.throwIfAborted();
  const name = nameOf(sandboxId, 'network');
  const network = await createNetwork(docker, name, labels);
  let holder: AttachedShell | undefined;
  const close = async (): Promise<void> => {
    await holder?.close();
    await new Engine(docker).removeNetwork(network.id);
  };
  try {
    signal?.throwIfAborted();
    const { IPAM } = await bounded(ANSWER_MS, signal, () => network.inspect());
    const subnets = (IPAM?.Config ?? []).flatMap(({ Subnet }) => (Subnet === undefined ? [] : [Subnet]));
    const { ipv4, ipv6 } = closingCommands([...subnets, ...hostAddresses], dnsServers);
    const parameters = [ipv4, ipv6].map((commands) => commands.join('\n'));
    const plan = {
      image,
      labels,
      script,
      parameters,
      networkMode: network.id,
      capabilities: ['NET_ADMIN'],
      securityOpt,
      dns: dnsServers,
      names,
    } as const;
    holder = await AttachedShell.create(docker, name, plan, what);
    signal?.throwIfAborted();
    await holder.start();
    const answer = await holder.ask('', signal);
    const blocks = ipv4.filter((command) => command.includes('action block')).length;
    if (answer !== `closed ${blocks} 1` && answer !== `closed ${blocks} none`) throw notClosed(image, answer);
  } catch (error) {
    await close();
    throw error;
  }
  return { networkMode: `container:${holder.container.id}`, close };
}

async function createNetwork(
  docker: Dockerode,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<Dockerode.Network> {
  try {
    return await bounded(MAKE_MS, undefined, () =>
      docker.createNetwork({
        Name: name,
        Driver: 'bridge',
        EnableIPv6: false,
        Labels: { ...labels },
        Options: { 'com.docker.network.bridge.enable_icc': 'false' },
      }),
    );
  } catch (error) {
    const fix = sentenceOf(error).includes('address pool')
      ? ' Give the engine more of them ("default-address-pools" in its daemon.json).'
      : '';
    throw new SandboxError(
      'SANDBOX011',
      `The engine made no network: ${withoutHostPaths(sentenceOf(error).trim()).replace(/\.$/, '')}.${fix}`,
      {
        cause: error,
      },
    );
  }
}

function notClosed(image: string, answer: string): SandboxError {
  const needs = `It needs iproute2's "ip" and a kernel with XFRM: set "images.network" to an image that has the one, on an engine with the other.`;
  const sentence = `The network cannot be closed off from the host with the image "${image}": ${answer.replace(/^failed: /, '')}. ${needs}`;
  return new SandboxError('SANDBOX009', sentence, { field: 'network' });
}

/** They become words of commands. */
function assertAddress(text: string): void {
  const [address = '', length = '0', ...rest] = text.split('/');
  if (isIP(address) !== 0 && /^\d{1,3}$/.test(length) && rest.length === 0) return;
  throw new SandboxError('SANDBOX008', `${JSON.stringify(text)} is neither an address nor a prefix.`);
}
