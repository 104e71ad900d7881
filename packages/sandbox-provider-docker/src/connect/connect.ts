import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { inspect } from 'node:util';
import { SandboxError, sentenceOf } from '@ergon/sandbox-core';
import Dockerode from 'dockerode';
import type { Endpoint, EngineAddress } from './endpoint.js';
import { SshAgent } from './ssh-agent.js';

// As Node's own global agent; an agent of our own keeps its options, and its connections, apart from everyone else's.
const reuse = { keepAlive: true, scheduling: 'lifo', timeout: 5000 } as const;

/**
 * A client of the engine there. It opens connections when it is asked for something, and keeps them for further requests for five seconds.
 *
 * @throws SandboxError SANDBOX001
 */
export function connect({ address, source }: Endpoint): Dockerode {
  // Whatever is not named, undefined or not, dockerode takes from DOCKER_HOST and its companions.
  const unnamed = {
    socketPath: undefined,
    host: undefined,
    port: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
    timeout: undefined,
  };
  const options = { ...unnamed, ...clientOptions(address) };
  try {
    return new Dockerode(options);
  } catch (error) {
    // It reads those variables all the same, and may fail at them.
    throw new SandboxError(
      'SANDBOX001',
      `${source} names an engine, but DOCKER_HOST or DOCKER_CERT_PATH in the environment is damaged: ${sentenceOf(error)}.`,
      {
        cause: error,
      },
    );
  }
}

/**
 * docker-modem inspects what it sends, at every request and to the last depth, for a debug log that nobody reads: of an agent that would be every connection with all that hangs on
 * it, which takes seconds.
 */
function opaque<Kind extends HttpAgent>(agent: Kind): Kind {
  return Object.defineProperty(agent, inspect.custom, { value: () => 'agent', enumerable: false });
}

function clientOptions(address: EngineAddress): Dockerode.DockerOptions & { agent: HttpAgent } {
  switch (address.kind) {
    case 'socket':
      return { protocol: 'http', socketPath: address.path, agent: opaque(new HttpAgent(reuse)) };
    case 'tcp': {
      const { host, port, tls } = address;
      if (tls === undefined) return { protocol: 'http', host, port, agent: opaque(new HttpAgent(reuse)) };
      const { verify, ...pem } = tls;
      return {
        protocol: 'https',
        host,
        port,
        agent: opaque(new HttpsAgent({ ...reuse, ...pem, rejectUnauthorized: verify })),
      };
    }
    case 'ssh':
      // Host and port stand in the requests' headers only.
      return { protocol: 'http', host: 'docker', port: 80, agent: opaque(new SshAgent(address)) };
  }
}
