import { join } from 'node:path';
import { sentenceOf } from '@ergon/sandbox-core';
import { z } from 'zod';
import { configFolder, type Surroundings } from '../connect/resolve.js';
import { askHelper } from './helper.js';

/** What Docker's command line sends for its own registry, and keeps its credentials under. */
const HUB = 'https://index.docker.io/v1/';

// docker/cli, cli/config/configfile and types.AuthConfig.
const entrySchema = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});
const configSchema = z.looseObject({
  auths: z.record(z.string(), entrySchema).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().optional(),
});

interface Login {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** A registry's credentials. Shows them to nobody but the engine: printed, logged or inspected it is empty. */
export class Credentials {
  readonly #login: Login;
  readonly #server: string;

  constructor(login: Login, server: string) {
    this.#login = login;
    this.#server = server;
  }

  /** The value of X-Registry-Auth (Engine API, "Authentication"). */
  header(): string {
    return Buffer.from(JSON.stringify({ ...this.#login, serveraddress: this.#server }))
      .toString('base64')
      .replaceAll('+', '-')
      .replaceAll('/', '_');
  }

  /** A text without them, in whatever form a registry may have sent them back. */
  mask(text: string): string {
    const { username = '', password = '', identitytoken = '', registrytoken = '' } = this.#login;
    const basic = Buffer.from(`${username}:${password}`).toString('base64');
    const secrets = [this.header(), basic, password, identitytoken, registrytoken];
    const forms = secrets.flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
    ]);
    return forms.filter((form) => form.length > 2).reduce((masked, form) => masked.replaceAll(form, '…'), text);
  }
}

export interface FoundCredentials {
  /** Null: there are none, or `problem` says why not. */
  readonly credentials: Credentials | null;
  /** A sentence without paths and secrets. */
  readonly problem: string | null;
}

/**
 * What Docker's own command line would send to a registry: of the helper in `credHelpers`, else of `credsStore`, else `auths` of its configuration. As there, a
 * registry is asked without credentials where they cannot be had: most images are public.
 */
export async function findCredentials(
  registry: string,
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<FoundCredentials> {
  const nothing = (problem: string | null): FoundCredentials => ({ credentials: null, problem });
  let config: z.output<typeof configSchema>;
  try {
    config = readConfig(surroundings);
  } catch {
    return nothing("Docker's own configuration, which may hold credentials, could not be read by this server.");
  }
  const server = registry === 'docker.io' ? HUB : registry;
  const names = registry === 'docker.io' ? [HUB, 'docker.io', 'index.docker.io', 'registry-1.docker.io'] : [registry];
  const helper = names.map((name) => config.credHelpers[name]).find(Boolean) ?? config.credsStore;
  if (helper) {
    try {
      const login = await askHelper(helper, server, surroundings.environment, signal);
      return login === null ? nothing(null) : { credentials: new Credentials(login, server), problem: null };
    } catch (error) {
      signal.throwIfAborted();
      return nothing(sentenceOf(error));
    }
  }
  const entries = Object.entries(config.auths);
  const entry = entries.find(([key]) => names.includes(key)) ?? entries.find(([key]) => names.includes(hostOf(key)));
  const login = entry === undefined ? null : loginOf(entry[1]);
  return login === null ? nothing(null) : { credentials: new Credentials(login, server), problem: null };
}

/** @throws where it is no such file; the words of what is thrown may quote it */
function readConfig(surroundings: Surroundings): z.output<typeof configSchema> {
  const text = surroundings.read(join(configFolder(surroundings), 'config.json'));
  return configSchema.parse(text === undefined ? {} : JSON.parse(text));
}

/** Null: it is empty, as those are whose credentials a store keeps. */
function loginOf({
  auth,
  username,
  password,
  identitytoken,
  registrytoken,
}: z.output<typeof entrySchema>): Login | null {
  // `user:password`, which may end in a NUL.
  const [, user = username, word = password] =
    /^([^:]*):(.*?)\0*$/s.exec(Buffer.from(auth ?? '', 'base64').toString()) ?? [];
  const login = {
    ...(user && { username: user }),
    ...(word && { password: word }),
    ...(identitytoken && { identitytoken }),
    ...(registrytoken && { registrytoken }),
  };
  return Object.keys(login).length === 0 ? null : login;
}

/** Keys of `auths` may be whole addresses. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/s, '');
}
