import type { Endpoint } from './endpoint.js';

export interface EndpointOptions {
  /** As DOCKER_HOST, e.g. `ssh://me@far`. */
  readonly host?: string;
  /** A context's name; not together with `host`. */
  readonly context?: string;
}

/** What the resolver sees of a machine. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** A file's text, undefined where there is none. */
  read(path: string): string | undefined;
  /** Whether a socket lies there. */
  hasSocket(path: string): boolean;
}

export declare const thisProcess: () => Surroundings;

/**
 * The engine that Docker's own command line would talk to.
 *
 * @throws SandboxError SANDBOX001, naming the variable, option or context at fault.
 */
export declare function resolveEndpoint(options?: EndpointOptions, surroundings?: Surroundings): Endpoint;
