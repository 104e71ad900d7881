export { connect } from './connect.js';
export type { Endpoint, EndpointTls, EngineAddress } from './endpoint.js';
export { type EndpointOptions, type Surroundings, resolveEndpoint, thisProcess } from './resolve.js';
export { sshEnvironment } from './ssh-connection.js';
