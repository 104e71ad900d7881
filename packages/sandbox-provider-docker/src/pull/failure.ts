import { SandboxError, type SandboxErrorCode } from '@ergon/sandbox-core';
import { withoutHostPaths } from '../engine/errors.js';
import type { FoundCredentials } from './credentials.js';

/** What an engine says, in words that have hardly changed from 20.10 on; in this order, since one text may hold several. */
const kinds: readonly (readonly [RegExp, Kind])[] = [
  [/no space left on device/i, 'disk'],
  [/no matching manifest for|does not match the specified platform|cannot be used on this platform/i, 'platform'],
  [/verification failed for digest|digest mismatch|does not match digest|unexpected commit digest/i, 'digest'],
  [/toomanyrequests|too many requests|rate limit/i, 'rate'],
  [/unauthorized|denied|no basic auth credentials|authentication required|incorrect username or password/i, 'access'],
  [/manifest unknown|name unknown|repository name not known|not found|does not exist/i, 'unknown'],
];
type Kind = 'disk' | 'platform' | 'digest' | 'rate' | 'access' | 'unknown' | 'registry';

const codes: Readonly<Record<Kind, SandboxErrorCode>> = {
  disk: 'SANDBOX004',
  platform: 'SANDBOX009',
  digest: 'SANDBOX009',
  rate: 'SANDBOX001',
  access: 'SANDBOX009',
  unknown: 'SANDBOX009',
  registry: 'SANDBOX001',
};

export interface FailedPull {
  readonly reference: string;
  readonly registry: string;
  readonly platform: string | null;
  readonly found: FoundCredentials;
}

/** Why an image could not be had, from the engine's words, with what a person can do. Pure. */
export function pullFailure(words: string, pull: FailedPull): SandboxError {
  const { reference, found } = pull;
  const kind = kinds.find(([pattern]) => pattern.test(words))?.[1] ?? 'registry';
  const shown = found.credentials?.mask(words) ?? words;
  const said = withoutHostPaths(shown).replace(/\s+/g, ' ').trim();
  const short = said.length > 300 ? `${said.slice(0, 300)}…` : said;
  const message = `The image "${reference}" could not be pulled. ${sentence(kind, pull)} The Docker engine said: ${short.replace(/([^.!?…])$/, '$1.')}`;
  // Only what a request chose is at fault by its field.
  return new SandboxError(codes[kind], message, codes[kind] === 'SANDBOX009' ? { field: 'image' } : {});
}

function sentence(kind: Kind, { reference, registry, platform, found }: FailedPull): string {
  const problem = found.problem === null ? '' : ` ${found.problem}`;
  const login = registry === 'docker.io' ? 'docker login' : `docker login ${registry}`;
  switch (kind) {
    case 'disk':
      return 'The disk of the Docker engine is full.';
    case 'platform':
      return `It is not there for ${platform ?? "the engine's platform"}.`;
    case 'digest':
      return 'What the registry sent is not what its digest names, and was thrown away.';
    case 'rate':
      return `The registry "${registry}" gives no more for now. "${login}", as the user of the server, may raise its limit.`;
    case 'access':
      return found.credentials === null
        ? `The registry "${registry}" has no such image, or gives it to nobody without credentials: "${login}", as the user of the server, keeps some.${problem}`
        : `The registry "${registry}" has no such image, or refused this server's credentials: "${login}", as the user of the server, keeps others.`;
    case 'unknown':
      return `The registry "${registry}" has no such image: is "${reference}" spelled right?`;
    case 'registry':
      return `The registry "${registry}" could not be reached, or broke off.`;
  }
}
