import type Dockerode from 'dockerode';
import type { Endpoint } from './endpoint.js';

/** A client of the engine there. Connects to nothing yet. `agent` of the modem holds its connections; destroy ends the idle ones. */
export declare function connect(endpoint: Endpoint): Dockerode;
