export { engineAddresses } from './host-addresses.js';
export { type NetworkOptions, openNetwork, type SandboxNetwork } from './network.js';
