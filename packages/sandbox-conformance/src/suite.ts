import type { LimitName, ProviderCapabilities, SandboxProvider } from '@ergon/sandbox-core';
import type { House } from './house.js';
import type { ConformanceFixtures } from './options.js';

/** What the provider under test claims, by its probe and its fixtures. */
export interface Claims {
  readonly capabilities: ProviderCapabilities;
  readonly provider: SandboxProvider;
  readonly fixtures: ConformanceFixtures;
}

/** Why a test is not to run: the provider does not claim what it tests, or it cannot be run here, whatever the provider can. */
export interface Gap {
  readonly outcome: 'not claimed' | 'not run';
  /** What is not claimed, e.g. `stdin`; or why it is not run, e.g. `no fixture \`reachable\` given`. */
  readonly reason: string;
}

/** Null: the test is to run. */
export type Need = (claims: Claims) => Gap | null;

/** @param what is not claimed where it is not */
export function needsClaim(what: string, isClaimed: (claims: Claims) => boolean): Need {
  return (claims) => (isClaimed(claims) ? null : { outcome: 'not claimed', reason: what });
}

/** For what lies with the author of the test, or with the test itself, and not with the provider. */
export function needsGiven(reason: string, isGiven: (claims: Claims) => boolean): Need {
  return (claims) => (isGiven(claims) ? null : { outcome: 'not run', reason });
}

export interface ConformanceTest {
  /** The sentence that it proves. */
  readonly name: string;
  readonly needs?: Need;
  /** It uses no sandbox but `house.shared()`, which the tests beside it use too, one after another. */
  readonly shares?: boolean;
  /** For tests that are slow by their nature. @default 60_000 */
  readonly timeoutMs?: number;
  /** Resolves with a gap where it turned out in the middle that what it tests is not claimed. */
  readonly body: (house: House) => Promise<void> | Promise<Gap | null>;
}

export interface Section {
  readonly title: string;
  readonly tests: readonly ConformanceTest[];
}

export function section(title: string, tests: readonly ConformanceTest[]): Section {
  return { title, tests };
}

/** Tests of a section that have a file of their own. */
export function part(tests: readonly ConformanceTest[]): readonly ConformanceTest[] {
  return tests;
}

export const needsPython = needsGiven(
  'no Python inside, by the fixture `python`',
  ({ fixtures }) => fixtures.python !== null,
);

/** Walls of any kind between programs and the host. */
export const needsIsolation = needsClaim('isolation', ({ capabilities }) => capabilities.isolation !== 'none');

/** Walls behind which a program's signals reach no process but its own. */
export const needsOwnProcesses = needsClaim('processes of its own', ({ capabilities }) =>
  ['namespaces', 'container', 'virtual-machine'].includes(capabilities.isolation),
);

export const needsStdin = needsClaim('stdin', ({ capabilities }) => capabilities.stdin);

export const needsSignals = needsClaim('signals', ({ capabilities }) => capabilities.signals);

export const needsUsage = needsClaim('usage', ({ capabilities }) => capabilities.usage);

export function needsLimit(name: LimitName): Need {
  return needsClaim(`the limit ${name}`, ({ capabilities }) => capabilities.limits[name] !== 'none');
}

export function needsHardLimit(name: LimitName): Need {
  return needsClaim(`a hard limit ${name}`, ({ capabilities }) => capabilities.limits[name] === 'hard');
}

export function needsNetwork(mode: ProviderCapabilities['network'][number]): Need {
  return needsClaim(`network ${mode}`, ({ capabilities }) => capabilities.network.includes(mode));
}

/** The first that is missing. */
export function needsAll(...needs: readonly Need[]): Need {
  return (claims) => needs.map((need) => need(claims)).find((gap) => gap !== null) ?? null;
}
