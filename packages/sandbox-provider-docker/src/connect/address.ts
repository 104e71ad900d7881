import { SandboxError } from '@ergon/sandbox-core';
import type { EndpointTls, EngineAddress, SshAddress } from './endpoint.js';

const defaultSocket = '/var/run/docker.sock';
const defaultPipe = '//./pipe/docker_engine';

/**
 * An address as DOCKER_HOST and contexts write it: `unix:///run/docker.sock`, `tcp://10.0.0.7:2376`, `ssh://me@far`, `10.0.0.7:2375`.
 *
 * @param tls what to connect with; asked for TCP only
 * @param source whose word it is, for sentences
 * @throws SandboxError SANDBOX001
 */
export function parseAddress(text: string, tls: () => EndpointTls | undefined, source: string): EngineAddress {
  const scheme = /^([a-z]+):\/\//.exec(text)?.[1] ?? 'tcp';
  const rest = text.replace(/^[a-z]+:\/\//, '');
  switch (scheme) {
    case 'unix':
      return { kind: 'socket', path: rest === '' ? defaultSocket : rest };
    case 'npipe':
      return { kind: 'socket', path: rest === '' ? defaultPipe : rest };
    case 'ssh':
      return sshAddress(parseUrl(`ssh://${rest}`, text, source), text, source);
    case 'tcp':
    case 'http':
    case 'https': {
      const given = scheme === 'http' ? undefined : tls();
      const secure = scheme === 'https' || given !== undefined;
      // Read as http, which alone gives hosts and ports of TCP their usual meaning.
      const url = parseUrl(`http://${rest}`, text, source);
      if (url.username !== '' || url.password !== '' || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
        throw unusable(text, source, 'has more in it than a host and a port');
      }
      // The URL parser drops port 80, which it takes for what http means anyway.
      const port = /:80(\/|$)/.test(rest) ? 80 : Number(url.port || (secure ? 2376 : 2375));
      return {
        kind: 'tcp',
        host: bare(url.hostname),
        port,
        ...(secure && { tls: given ?? { verify: true } }),
      };
    }
    default:
      throw unusable(text, source, 'begins with none of unix://, npipe://, tcp://, http://, https:// and ssh://');
  }
}

/** What ssh is given as words of its command line: nothing that it, or a ProxyCommand's shell, could take for more than a name. */
function sshAddress(url: URL, text: string, source: string): SshAddress {
  const host = bare(url.hostname);
  const user = decoded(url.username);
  const socket = decoded(url.pathname);
  if (url.password !== '')
    throw unusable(
      text.replace(/:[^:@]*@/, ':…@'),
      source,
      'has a password in it, which ssh takes from nobody; use a key',
    );
  if (!/^[A-Za-z0-9_][A-Za-z0-9._:%-]*$/.test(host))
    throw unusable(text, source, 'has no host name that ssh could be given');
  if (user !== '' && !/^[A-Za-z0-9_][A-Za-z0-9._@+\\-]*$/.test(user))
    throw unusable(text, source, 'has no user name that ssh could be given');
  if (!/^[A-Za-z0-9._/-]*$/.test(socket) || url.search !== '' || url.hash !== '') {
    throw unusable(text, source, 'has a path that is no plain path of a socket');
  }
  return {
    kind: 'ssh',
    host,
    ...(url.port !== '' && { port: Number(url.port) }),
    ...(user !== '' && { user }),
    ...(socket.replaceAll('/', '') !== '' && { socket }),
  };
}

function parseUrl(url: string, text: string, source: string): URL {
  if (!URL.canParse(url) || new URL(url).hostname === '') throw unusable(text, source, 'is no address');
  return new URL(url);
}

/** Undecodable stays as it is and is refused for its `%`. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** An IPv6 address without its brackets. */
function bare(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

function unusable(text: string, source: string, what: string): SandboxError {
  const example = 'unix:///var/run/docker.sock, tcp://HOST:2376 or ssh://USER@HOST';
  return new SandboxError(
    'SANDBOX001',
    `${source} names the engine ${JSON.stringify(text)}, which ${what}. Write e.g. ${example}.`,
  );
}
