export { engineAddresses } from './host-addresses.js';
export { engineResolvers } from './resolvers.js';
export { type NetworkOptions, openNetwork, type SandboxNetwork } from './network.js';
