import { isList, parseProfile, wordOf, type Expression } from './sexpr.js';

/** What a process asks the kernel for. */
export interface Request {
  readonly operation: string;
  /** Of a file, as the kernel names it: links followed. */
  readonly path?: string;
  /** Of a process: who it is to the one that asks. */
  readonly target?: 'self' | 'same-sandbox' | 'others';
  /** Of a Mach service, a sysctl, or an object of POSIX IPC. */
  readonly name?: string;
  readonly domain?: 'AF_UNIX' | 'AF_INET' | 'AF_INET6' | 'AF_SYSTEM';
  /** The path of a socket, or `host:port`. */
  readonly remote?: { readonly unix: string } | { readonly ip: string };
  readonly local?: { readonly unix: string } | { readonly ip: string };
}

/**
 * What wins where several rules match. `last`: the last of them (Bazel's DarwinSandboxedSpawnRunner, Chromium's profiles). `filtered`: the
 * last that has a filter, whatever stands after it without one (Homebrew's profile works only so). `narrow`: the last for the narrowest
 * operation (Nix denies file-write-setugid in front of allowing file*, and means it).
 */
export type Precedence = 'last' | 'filtered' | 'narrow';
export const precedences: readonly Precedence[] = ['last', 'filtered', 'narrow'];

export type Decision = 'allow' | 'deny';

interface Rule {
  readonly decision: Decision;
  readonly operation: string;
  readonly filters: readonly Expression[];
}

/** Allowed unless a profile denies them by name, whatever its default (Chromium's renderer.sb, https://crbug.com/799149). */
const OPEN_BY_DEFAULT = ['iokit-get-properties', 'process-info*', 'nvram*'];

/** A small model of Seatbelt: enough for the profiles here, and an error for whatever it does not know. */
export class Evaluator {
  readonly #rules: Rule[];
  readonly #parameters: ReadonlyMap<string, string>;

  constructor(profile: string, parameters: ReadonlyMap<string, string> = new Map()) {
    this.#parameters = parameters;
    this.#rules = parseProfile(profile).flatMap((form) => rulesOf(form));
  }

  decide(request: Request, precedence: Precedence): Decision {
    const matching = this.#rules.filter(
      ({ operation, filters }) =>
        covers(operation, request.operation) &&
        (filters.length === 0 || filters.some((filter) => this.#matches(filter, request))),
    );
    const weight = ({ operation, filters }: Rule): number => {
      if (operation === 'default') return 0;
      if (precedence === 'last') return 1;
      if (precedence === 'filtered') return filters.length > 0 ? 2 : 1;
      return operation.length;
    };
    const most = Math.max(...matching.map(weight));
    const winner = matching.filter((each) => weight(each) === most).at(-1);
    if (winner === undefined) return 'deny';
    const open = OPEN_BY_DEFAULT.some((operation) => covers(operation, request.operation));
    return winner.operation === 'default' && open ? 'allow' : winner.decision;
  }

  #matches(filter: Expression, request: Request): boolean {
    if (!isList(filter)) throw new Error(`Not a filter: ${JSON.stringify(filter)}`);
    const [head, ...rest] = filter;
    const name = wordOf(head);
    const all = (): boolean[] => rest.map((each) => this.#matches(each, request));
    switch (name) {
      case 'require-all':
        return all().every(Boolean);
      case 'require-any':
        return all().some(Boolean);
      case 'require-not':
        return !all().some(Boolean);
      case 'target': // a process is in the same sandbox as itself
        return wordOf(rest[0]) === request.target || (wordOf(rest[0]) === 'same-sandbox' && request.target === 'self');
      case 'socket-domain':
        return wordOf(rest[0]) === request.domain;
      case 'remote':
      case 'local':
        return this.#reaches(rest, request[name]);
      default:
        return matchesText(name, this.#textOf(rest[0]), request);
    }
  }

  #reaches([kind, filter]: readonly Expression[], peer: Request['remote']): boolean {
    if (peer === undefined) return false;
    if (wordOf(kind) === 'unix-socket') {
      if (!('unix' in peer)) return false;
      return filter === undefined || this.#matches(filter, { operation: '', path: peer.unix });
    }
    if (wordOf(kind) !== 'ip') throw new Error(`Not modelled: ${wordOf(kind)}`);
    if (!('ip' in peer)) return false;
    const [host = '', port = ''] = splitAddress(this.#textOf(filter));
    const [peerHost = '', peerPort = ''] = splitAddress(peer.ip);
    if (host !== '*' && host !== 'localhost') throw new Error('host must be * or localhost in network address');
    return (host === '*' || isLoopback(peerHost)) && (port === '*' || port === peerPort);
  }

  #textOf(expression: Expression | undefined): string {
    if (isList(expression)) {
      const [head, key] = expression;
      if (wordOf(head) !== 'param') throw new Error(`Not modelled: ${wordOf(head)}`);
      const value = this.#parameters.get(this.#textOf(key));
      if (value === undefined) throw new Error(`No value for the parameter ${this.#textOf(key)}`);
      return value;
    }
    if (expression !== undefined && 'text' in expression) return expression.text;
    throw new Error(`Not a text: ${JSON.stringify(expression)}`);
  }
}

function rulesOf(form: Expression): Rule[] {
  if (!isList(form)) throw new Error(`Not a form: ${JSON.stringify(form)}`);
  const [head, ...rest] = form;
  const decision = wordOf(head);
  if (decision === 'version') return [];
  if (decision !== 'allow' && decision !== 'deny') throw new Error(`Not modelled: ${decision}`);
  const operations = rest.filter((each) => !isList(each)).map(wordOf);
  const filters = rest.filter((each) => isList(each) && wordOf(each[0]) !== 'with');
  return operations.map((operation) => ({ decision, operation, filters }));
}

function covers(rule: string, operation: string): boolean {
  if (rule === 'default') return true;
  return rule.endsWith('*') ? operation.startsWith(rule.slice(0, -1)) : rule === operation;
}

function matchesText(filter: string, text: string, { path, name }: Request): boolean {
  switch (filter) {
    case 'literal':
    case 'path':
      return path === text;
    case 'subpath': {
      const folder = text.replace(/\/+$/, '');
      return path !== undefined && (path === folder || path.startsWith(`${folder}/`));
    }
    case 'prefix':
      return path?.startsWith(text) === true;
    case 'regex':
      return path !== undefined && new RegExp(text).test(path);
    case 'global-name':
    case 'sysctl-name':
    case 'ipc-posix-name':
      return name === text;
    case 'sysctl-name-prefix':
      return name?.startsWith(text) === true;
    default:
      throw new Error(`Not modelled: ${filter}`);
  }
}

function splitAddress(address: string): string[] {
  return /^(.*):([^:]*)$/.exec(address)?.slice(1) ?? [];
}

function isLoopback(host: string): boolean {
  return ['localhost', '127.0.0.1', '::1'].includes(host);
}
