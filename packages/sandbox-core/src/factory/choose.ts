import type { ProviderProbe } from '../contract/capabilities.js';
import type { LimitName } from '../contract/config.js';
import { SandboxError } from '../contract/error.js';
import type { Refusal } from '../contract/provider.js';

/** One provider as it stands before a choice. */
export interface Candidate {
  readonly name: string;
  readonly probe: ProviderProbe;
  /** What it cannot do of this configuration. */
  readonly refusals: readonly Refusal[];
}

export interface ChoiceInput {
  readonly candidates: readonly Candidate[];
  /** The provider that the request names. */
  readonly requested?: string | undefined;
  /** Refuse a fallback and best-effort limits. */
  readonly strict: boolean;
  /** Limits that the caller asked for by name. */
  readonly asked: ReadonlySet<LimitName>;
  /** The server's own order, before the usual one. */
  readonly prefer: readonly string[];
  /** Providers without isolation that the server's configuration allows. */
  readonly allowUnisolated: readonly string[];
  /** `process.platform` of the server. */
  readonly platform: string;
  /** Special needs that are asked for: "a GPU", "persistence", "the platform linux/arm64". */
  readonly special: readonly string[];
}

export interface ProviderVerdict {
  readonly provider: string;
  readonly verdict: 'chosen' | 'eligible' | 'ruled-out' | 'unavailable';
  /** A sentence. */
  readonly reason: string;
}

/** Which provider serves, and why each one does or does not. */
export interface Selection {
  readonly provider: string;
  readonly requested: string | null;
  /** The requested provider is down, and another one serves in its place. */
  readonly fallback: boolean;
  readonly considered: readonly ProviderVerdict[];
  /** What the caller should know: limits that were lowered or are best effort. */
  readonly notes: readonly string[];
}

/**
 * Five steps: the preference if it can serve; else what the requirements rule out goes; macOS without special needs takes
 * sandbox-exec; GPU, persistence and Linux take Docker; else anything available. Pure.
 *
 * @throws SandboxError SANDBOX001 (none available), SANDBOX008 (unknown name), SANDBOX009 (the named one, or none of all, can do it).
 */
export function chooseProvider(input: ChoiceInput): Selection {
  const { requested, strict } = input;
  const judged = input.candidates.map((candidate) => judge(candidate, input));
  let fallback = false;
  if (requested !== undefined) {
    const named = judged.find(({ name }) => name === requested);
    if (named === undefined) throw unknownProvider(requested, input.candidates);
    if (named.obstacle?.verdict === 'ruled-out') {
      throw new SandboxError('SANDBOX009', `${requested}: ${named.obstacle.reason}`, { field: named.obstacle.field });
    }
    if (named.obstacle === null) return select(named.name, 'the request names it.', judged, requested, false);
    if (strict) throw new SandboxError('SANDBOX001', `${requested} is not available: ${named.obstacle.reason}`);
    fallback = true;
  }
  const eligible = judged.filter(({ obstacle }) => obstacle === null);
  const willing = eligible.filter(({ name, price }) => price === null || input.prefer.includes(name));
  for (const each of [willing, eligible]) {
    const names = each.map(({ name }) => name);
    for (const [name, reason] of [...ranking(input), ...names.map((name) => [name, 'it is available.'] as const)]) {
      if (names.includes(name)) return select(name, reason, judged, requested ?? null, fallback);
    }
  }
  throw noneAvailable(judged);
}

interface Judged {
  readonly name: string;
  readonly obstacle: {
    readonly verdict: 'ruled-out' | 'unavailable';
    readonly reason: string;
    readonly field: string;
  } | null;
  /** What it costs, sentences. Null: nothing. */
  readonly price: string | null;
}

function judge({ name, probe, refusals }: Candidate, input: ChoiceInput): Judged {
  if (!probe.available) {
    return {
      name,
      obstacle: { verdict: 'unavailable', reason: `${probe.reason} ${probe.fix}`, field: 'provider' },
      price: null,
    };
  }
  const { capabilities } = probe;
  const ruledOut = (reason: string, field: string): Judged => ({
    name,
    obstacle: { verdict: 'ruled-out', reason, field },
    price: null,
  });
  const refusal = refusals.find(({ lastResort }) => lastResort !== true);
  if (refusal !== undefined) {
    return ruledOut(refusals.map(({ message }) => message).join(' '), refusal.field);
  }
  if (capabilities.isolation === 'none' && (input.requested !== name || !input.allowUnisolated.includes(name))) {
    return ruledOut('It has no isolation: the server must allow it by name and the request must name it.', 'provider');
  }
  for (const [limit, enforcement] of Object.entries(capabilities.limits) as [LimitName, string][]) {
    if (enforcement === 'none' && input.asked.has(limit))
      return ruledOut(`It cannot limit ${limit}.`, limitField(limit));
    if (enforcement !== 'hard' && input.strict) {
      return ruledOut(`Its limit of ${limit} is ${enforcement === 'none' ? 'missing' : 'best effort'} here.`, 'strict');
    }
  }
  return { name, obstacle: null, price: refusals.map(({ message }) => message).join(' ') || null };
}

function limitField(limit: LimitName): string {
  return limit === 'wall-time' ? 'timeout' : `${limit.replace('-', '_')}_limit`;
}

function ranking({ prefer, platform, special }: ChoiceInput): [string, string][] {
  const order: [string, string][] = prefer.map((name) => [name, "it comes first in this server's configuration."]);
  if (platform === 'darwin' && special.length === 0) order.push(['sandbox-exec', 'on macOS it comes first.']);
  if (special.length > 0) order.push(['docker', `the request or its solution asks for ${special.join(' and ')}.`]);
  else if (platform === 'linux') order.push(['docker', 'on Linux it comes first.']);
  return order;
}

function select(
  provider: string,
  why: string,
  judged: readonly Judged[],
  requested: string | null,
  fallback: boolean,
): Selection {
  const considered = judged.map(({ name, obstacle, price }): ProviderVerdict => {
    if (name === provider) return { provider: name, verdict: 'chosen', reason: `Chosen: ${why}` };
    if (obstacle === null)
      return { provider: name, verdict: 'eligible', reason: `It could serve too.${price === null ? '' : ` ${price}`}` };
    return { provider: name, verdict: obstacle.verdict, reason: obstacle.reason };
  });
  const notes = fallback ? [`${String(requested)} is not available; ${provider} serves in its place.`] : [];
  return { provider, requested, fallback, considered, notes };
}

function unknownProvider(name: string, candidates: readonly Candidate[]): SandboxError {
  const known = candidates.map((candidate) => candidate.name).join(', ');
  return new SandboxError('SANDBOX008', `provider: there is no provider "${name}" here; there is ${known || 'none'}.`, {
    field: 'provider',
  });
}

/** Where all are available and none can do it, it is the request that has to change, and trying again is of no use. */
function noneAvailable(judged: readonly Judged[]): SandboxError {
  const reasons = judged.map(({ name, obstacle }) => `${name}: ${obstacle?.reason ?? ''}`).join(' ');
  const obstacles = judged.map(({ obstacle }) => obstacle);
  if (obstacles.length > 0 && obstacles.every((obstacle) => obstacle?.verdict === 'ruled-out')) {
    const fields = new Set(obstacles.map((obstacle) => obstacle?.field));
    const [field] = fields;
    return new SandboxError('SANDBOX009', `No sandbox provider can do this. ${reasons}`, {
      ...(fields.size === 1 && field !== undefined && { field }),
    });
  }
  return new SandboxError('SANDBOX001', `No sandbox provider available. ${reasons || 'None is registered.'}`);
}
