export { type NetworkOptions, openNetwork, type SandboxNetwork } from './network.js';
