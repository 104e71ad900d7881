import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type { SshAddress } from './endpoint.js';
import { SshConnection } from './ssh-connection.js';

/** Gives every request a connection to the engine over there, through an ssh of its own; reuses those that are idle. */
export class SshAgent extends Agent {
  constructor(private readonly address: SshAddress) {
    super({ keepAlive: true, scheduling: 'lifo', maxFreeSockets: 4 });
  }

  override createConnection(): Duplex {
    return new SshConnection(this.address);
  }
}
