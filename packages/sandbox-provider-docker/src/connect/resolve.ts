import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { hasErrorCode, SandboxError, sentenceOf } from '@ergon/sandbox-core';
import { parseAddress } from './address.js';
import { contextEndpoint, currentContext } from './contexts.js';
import type { Endpoint, EndpointTls } from './endpoint.js';

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
  /** A file's text; undefined: there is none. */
  readonly read: (path: string) => string | undefined;
  readonly hasSocket: (path: string) => boolean;
}

/** This process's environment and files. */
export function thisProcess(): Surroundings {
  return {
    environment: process.env,
    home: homedir(),
    read: (path) => {
      try {
        return readFileSync(path, 'utf8');
      } catch (error) {
        if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ENOTDIR')) return undefined;
        throw new SandboxError(
          'SANDBOX001',
          `${path}, which says how to reach Docker, cannot be read: ${sentenceOf(error)}.`,
          { cause: error },
        );
      }
    },
    hasSocket: (path) => statSync(path, { throwIfNoEntry: false })?.isSocket() === true,
  };
}

/**
 * The engine that Docker's own command line would talk to: the options, else DOCKER_HOST, else DOCKER_CONTEXT, else the configuration's current context, else the default
 * socket (docker/cli, `resolveContextName`); and where no engine has made that one, the rootless engine's.
 *
 * @throws SandboxError SANDBOX001, naming the option, variable, context or file at fault
 */
export function resolveEndpoint(options: EndpointOptions = {}, surroundings: Surroundings = thisProcess()): Endpoint {
  const { environment } = surroundings;
  if (options.host !== undefined && options.context !== undefined) {
    throw new SandboxError('SANDBOX001', 'The options "host" and "context" both name an engine; give one of them.');
  }
  if (options.context !== undefined) return named(options.context, 'The option "context"', surroundings);
  if (options.host !== undefined) return direct(options.host, 'The option "host"', surroundings);
  if (environment.DOCKER_HOST) return direct(environment.DOCKER_HOST, 'DOCKER_HOST', surroundings);
  if (environment.DOCKER_CONTEXT) return named(environment.DOCKER_CONTEXT, 'DOCKER_CONTEXT', surroundings);
  const current = currentContext(configFolder(surroundings), surroundings);
  return current === undefined ? local(surroundings) : named(current.name, current.source, surroundings);
}

/** `default` is no stored context: it is what there is without one. */
function named(name: string, source: string, surroundings: Surroundings): Endpoint {
  if (name !== 'default') return contextEndpoint(name, source, configFolder(surroundings), surroundings);
  const { DOCKER_HOST } = surroundings.environment;
  return DOCKER_HOST ? direct(DOCKER_HOST, 'DOCKER_HOST', surroundings) : local(surroundings);
}

function direct(host: string, source: string, surroundings: Surroundings): Endpoint {
  return { address: parseAddress(host.trim(), () => environmentTls(surroundings), source), source };
}

function local({ environment, hasSocket }: Surroundings): Endpoint {
  const path = '/var/run/docker.sock';
  const rootless = environment.XDG_RUNTIME_DIR && join(environment.XDG_RUNTIME_DIR, 'docker.sock');
  if (rootless && !hasSocket(path) && hasSocket(rootless)) {
    return { address: { kind: 'socket', path: rootless }, source: 'The rootless socket in XDG_RUNTIME_DIR' };
  }
  return { address: { kind: 'socket', path }, source: 'The default socket' };
}

/** DOCKER_TLS_VERIFY and DOCKER_TLS mean yes by anything that is not empty, as with Docker's own command line. */
function environmentTls(surroundings: Surroundings): EndpointTls | undefined {
  const { DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH } = surroundings.environment;
  if (!DOCKER_TLS_VERIFY && !DOCKER_TLS) return undefined;
  // Empty means unset.
  const folder = [DOCKER_CERT_PATH].find(Boolean) ?? configFolder(surroundings);
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => surroundings.read(join(folder, name)));
  if (DOCKER_TLS_VERIFY && ca === undefined) {
    throw new SandboxError(
      'SANDBOX001',
      `DOCKER_TLS_VERIFY is set, and ${join(folder, 'ca.pem')} is not there: set DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem.`,
    );
  }
  return { verify: Boolean(DOCKER_TLS_VERIFY), ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/** Of Docker's command line. */
export function configFolder({ environment, home }: Surroundings): string {
  return [environment.DOCKER_CONFIG].find(Boolean) ?? join(home, '.docker');
}
