import { Agent, type ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import type { SshAddress } from './endpoint.js';
import { SshConnection } from './ssh-connection.js';

const idleMs = 5000;

type Held = Pick<SshConnection, 'ref' | 'unref'>;

/** Gives every request a connection to the engine over there, through an ssh of its own; reuses those that are idle. */
export class SshAgent extends Agent {
  readonly #idle = new WeakMap<Duplex, NodeJS.Timeout>();

  constructor(private readonly address: SshAddress) {
    super({ keepAlive: true, scheduling: 'lifo', maxFreeSockets: 4 });
  }

  override createConnection(): Duplex {
    return new SshConnection(this.address);
  }

  override keepSocketAlive(connection: Duplex): boolean {
    this.#idle.set(connection, setTimeout(() => connection.destroy(), idleMs).unref());
    (connection as Duplex & Held).unref();
    return true;
  }

  override reuseSocket(connection: Duplex, _request: ClientRequest): void {
    clearTimeout(this.#idle.get(connection));
    (connection as Duplex & Held).ref();
  }
}
