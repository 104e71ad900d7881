import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import type { Ceiling } from '@ergon/sandbox-core';
import { imageField, parseInput, SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type { HttpRegistryOptions } from '@ergon/sandbox-registry';
import { registryTokenSchema, registryUrlSchema } from '@ergon/sandbox-registry';
import { z } from 'zod';
import { parseCeiling } from './ceiling.js';
import { readOptions } from './options.js';

/** What the server was told at its start. */
export interface ServerConfig {
  readonly host: string;
  /** What callers have to send as a bearer. Null: whoever reaches the loopback may call. */
  readonly token: string | null;
  /** 0: any free port. */
  readonly port: number;
  /** Absolute. */
  readonly dataDir: string;
  readonly maxConcurrent: number;
  /** For a request to come as a whole; of a file or an archive, for its next byte, up or down. */
  readonly requestTimeoutMs: number;
  /** Names of providers, the first one first. */
  readonly prefer: readonly string[];
  /** Web origins that may call, besides the server's own. */
  readonly origins: ReadonlySet<string>;
  /** Names that a request's Host may have, besides those of the loopback; lower case. */
  readonly hosts: ReadonlySet<string>;
  readonly ceiling: Ceiling;
  /** By provider name. */
  readonly providerOptions: Readonly<Record<string, unknown>>;
  /** Default images of containers, by language or purpose. */
  readonly images: Readonly<Record<string, string>>;
  /** An existing registry, in place of the one in the data folder. */
  readonly registry: HttpRegistryOptions | null;
  readonly logLevel: LogLevel;
  /** A folder of example solutions to store at the start. */
  readonly examplesDir: string | null;
}

const logLevels = {
  error: 'error',
  critical: 'error',
  warn: 'warn',
  warning: 'warn',
  info: 'info',
  debug: 'debug',
} as const;
export type LogLevel = (typeof logLevels)[keyof typeof logLevels];

/** Known, so that one that is set is not passed over in silence. */
const unbuilt = (what: string): z.ZodOptional<z.ZodUndefined> =>
  z.undefined({ error: `is set, but this version does not support ${what} yet; unset it` }).optional();

const wholeNumber = (min: number, max: number): z.ZodType<number, string> => {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, error)
    .transform(Number)
    .pipe(z.int().min(min, error).max(max, error));
};

const list = <Item>(item: z.ZodType<Item, string>): z.ZodType<Item[], string> =>
  z
    .string()
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(item));

const originField = z
  .string()
  .refine((text) => URL.canParse(text) && /^https?:/.test(text) && new URL(text).origin === text, {
    error: 'must be web origins such as https://example.org, without a path, separated by commas',
  });
const hostField = z
  .string()
  .toLowerCase()
  .regex(/^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/, 'must be host names without ports, separated by commas');
const providerNameField = z.string().regex(/^[\w.@/-]+$/, 'must be names of providers, separated by commas');

const pathField = z.string().refine((path) => !path.includes('\0'), 'must be a path');
const tokenField = z
  .string()
  .regex(/^[\x21-\x7e]{16,1000}$/, 'must have 16 to 1000 characters of printable ASCII, and no spaces');

/** `python=…,node=…,shell=…,default=…,network=…,tools=…` */
const imagesField = list(
  z.string().refine((pair) => {
    const [name = '', ...image] = pair.split('=');
    return (
      ['python', 'node', 'shell', 'default', 'network', 'tools'].includes(name) &&
      imageField.safeParse(image.join('=')).success
    );
  }, 'must be python=IMAGE,node=IMAGE,shell=IMAGE,default=IMAGE,network=IMAGE,tools=IMAGE; each may be left out'),
)
  .transform((pairs) => pairs.map((pair) => pair.split('=') as [string, string]))
  .refine((pairs) => new Set(pairs.map(([name]) => name)).size === pairs.length, 'must name each image once')
  .transform((pairs): Readonly<Record<string, string>> => Object.fromEntries(pairs));

const unbuiltFields = {
  ERGON_SANDBOX_PROVIDERS: unbuilt('extra provider packages'),
  ERGON_SANDBOX_ENV_ALLOW: unbuilt('host variables in solutions'),
  ERGON_SANDBOX_KEEP: unbuilt('removal by age or size'),
};

const environmentSchema = z.object({
  ERGON_SANDBOX_HOST: z
    .string()
    .refine(
      (host) => isIP(host) > 0 || hostField.safeParse(host).success,
      'must be an address or a name of this machine',
    )
    .default('127.0.0.1'),
  ERGON_SANDBOX_PORT: wholeNumber(0, 65_535).default(8102),
  ERGON_SANDBOX_DATA_DIR: pathField.optional(),
  ERGON_SANDBOX_MAX_CONCURRENT: wholeNumber(1, 10_000).default(10),
  ERGON_SANDBOX_REQUEST_TIMEOUT: wholeNumber(1, 86_400).default(120),
  ERGON_SANDBOX_PREFER: list(providerNameField).default([]),
  ERGON_SANDBOX_ORIGINS: list(originField).default([]),
  ERGON_SANDBOX_HOSTS: list(hostField).default([]),
  ERGON_SANDBOX_CEILING: z.string().optional(),
  ERGON_SANDBOX_PROVIDER_OPTIONS: z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: `must be JSON: ${sentenceOf(error)}` });
        return z.NEVER;
      }
    })
    .pipe(z.record(z.string(), z.unknown(), { error: 'must be a JSON object by provider name' }))
    .default({}),
  ERGON_SANDBOX_IMAGES: imagesField.default({}),
  ERGON_SANDBOX_EXAMPLES: z.string().optional(),
  ERGON_SANDBOX_REGISTRY_URL: registryUrlSchema.optional(),
  ERGON_SANDBOX_REGISTRY_TOKEN: registryTokenSchema.optional(),
  ERGON_LOG_LEVEL: z
    .string()
    .toLowerCase()
    .pipe(
      z.enum(
        Object.keys(logLevels) as (keyof typeof logLevels)[],
        'must be error, critical, warn, warning, info or debug',
      ),
    )
    .default('info'),
  ERGON_SANDBOX_TOKEN: tokenField.optional(),
  ERGON_SANDBOX_TOKEN_FILE: pathField.optional(),
  ...unbuiltFields,
});

/** Every variable that the server knows. */
export const variableNames = Object.keys(environmentSchema.shape);
/** Those of them that may be set. */
export const settingNames = variableNames.filter((name) => !Object.hasOwn(unbuiltFields, name));

/**
 * Reads the configuration from environment variables (an empty one counts as not set) and the command line.
 * @throws SandboxError SANDBOX008 with a sentence that names the variable or option
 */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>>,
  argv: readonly string[] = [],
): ServerConfig {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const given = parseInput(environmentSchema, set);
  const token = readToken(given);
  if (!isLoopback(given.ERGON_SANDBOX_HOST) && token === null) {
    throw new SandboxError(
      'SANDBOX008',
      `ERGON_SANDBOX_HOST: ${given.ERGON_SANDBOX_HOST} can be reached by others, so ERGON_SANDBOX_TOKEN is needed (or ERGON_SANDBOX_TOKEN_FILE): at least 16 characters, e.g. of "openssl rand -hex 32".`,
    );
  }
  const examples = readOptions(argv).examples ?? given.ERGON_SANDBOX_EXAMPLES;
  const ceiling = given.ERGON_SANDBOX_CEILING;
  return {
    host: given.ERGON_SANDBOX_HOST,
    port: given.ERGON_SANDBOX_PORT,
    dataDir: resolve(given.ERGON_SANDBOX_DATA_DIR ?? defaultDataDir(set)),
    token,
    maxConcurrent: given.ERGON_SANDBOX_MAX_CONCURRENT,
    requestTimeoutMs: given.ERGON_SANDBOX_REQUEST_TIMEOUT * 1000,
    prefer: given.ERGON_SANDBOX_PREFER,
    origins: new Set(given.ERGON_SANDBOX_ORIGINS),
    hosts: new Set(given.ERGON_SANDBOX_HOSTS),
    ceiling: ceiling === undefined ? {} : parseCeiling('ERGON_SANDBOX_CEILING', ceiling),
    providerOptions: given.ERGON_SANDBOX_PROVIDER_OPTIONS,
    images: given.ERGON_SANDBOX_IMAGES,
    registry: existingRegistry(given),
    logLevel: logLevels[given.ERGON_LOG_LEVEL],
    examplesDir: examples === undefined ? null : resolve(examples),
  };
}

function existingRegistry(given: z.output<typeof environmentSchema>): HttpRegistryOptions | null {
  const { ERGON_SANDBOX_REGISTRY_URL: url, ERGON_SANDBOX_REGISTRY_TOKEN: token } = given;
  if (url === undefined && token === undefined) return null;
  if (url === undefined) {
    throw new SandboxError(
      'SANDBOX008',
      'ERGON_SANDBOX_REGISTRY_TOKEN: is for ERGON_SANDBOX_REGISTRY_URL, which is not set.',
    );
  }
  const { hostname, port, protocol } = new URL(url);
  const isHere = isLoopback(hostname.replace(/^\[|\]$/g, '')) || hostname === given.ERGON_SANDBOX_HOST;
  // It would ask itself, which asks itself.
  if (isHere && Number(port || (protocol === 'http:' ? 80 : 443)) === given.ERGON_SANDBOX_PORT) {
    throw new SandboxError('SANDBOX008', 'ERGON_SANDBOX_REGISTRY_URL: must be another server than this one.');
  }
  return { url, ...(token !== undefined && { token }) };
}

/** The token itself, or that in a file, as service managers hand secrets over. */
function readToken(given: z.output<typeof environmentSchema>): string | null {
  const { ERGON_SANDBOX_TOKEN: token, ERGON_SANDBOX_TOKEN_FILE: file } = given;
  if (file === undefined) return token ?? null;
  if (token !== undefined) {
    throw new SandboxError('SANDBOX008', 'ERGON_SANDBOX_TOKEN_FILE: ERGON_SANDBOX_TOKEN is set too; unset one.');
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SandboxError('SANDBOX008', `ERGON_SANDBOX_TOKEN_FILE: cannot be read: ${sentenceOf(error)}.`, {
      cause: error,
    });
  }
  return parseInput(tokenField, text.trimEnd(), 'ERGON_SANDBOX_TOKEN_FILE');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function defaultDataDir(environment: Readonly<Record<string, string | undefined>>): string {
  if (process.getuid?.() === 0) return '/var/lib/ergon-sandbox';
  return join(environment.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'ergon-sandbox');
}

/** Names in the environment that look like the server's and are not. */
export function unknownVariables(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.keys(environment).filter((name) => name.startsWith('ERGON_SANDBOX_') && !variableNames.includes(name));
}
