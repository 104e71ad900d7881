import type { LimitName, ProviderCapabilities, SandboxProvider } from '@ergon/sandbox-core';
import type { House } from './house.js';
import type { ConformanceFixtures } from './options.js';

/** What the provider under test claims, by its probe and its fixtures. */
export interface Claims {
  readonly capabilities: ProviderCapabilities;
  readonly provider: SandboxProvider;
  readonly fixtures: ConformanceFixtures;
}

/** Null: the test is to run. Else what is missing, e.g. `stdin`. */
export type Need = (claims: Claims) => string | null;

export interface ConformanceTest {
  /** The sentence that it proves. */
  readonly name: string;
  readonly needs?: Need;
  /** It uses no sandbox but `house.shared()`, which the tests beside it use too, one after another. */
  readonly shares?: boolean;
  /** For tests that are slow by their nature. @default 60_000 */
  readonly timeoutMs?: number;
  readonly body: (house: House) => Promise<void>;
}

export interface Section {
  readonly title: string;
  readonly tests: readonly ConformanceTest[];
}

export function section(title: string, tests: readonly ConformanceTest[]): Section {
  return { title, tests };
}

export const needsPython: Need = ({ fixtures }) =>
  fixtures.python === null ? 'Python inside (fixtures.python)' : null;

/** Walls of any kind between programs and the host. */
export const needsIsolation: Need = ({ capabilities }) => (capabilities.isolation === 'none' ? 'isolation' : null);

/** Walls behind which a program's signals reach no process but its own. */
export const needsOwnProcesses: Need = ({ capabilities }) =>
  ['namespaces', 'container', 'virtual-machine'].includes(capabilities.isolation) ? null : 'processes of its own';

export const needsStdin: Need = ({ capabilities }) => (capabilities.stdin ? null : 'stdin');

export const needsSignals: Need = ({ capabilities }) => (capabilities.signals ? null : 'signals');

export const needsUsage: Need = ({ capabilities }) => (capabilities.usage ? null : 'usage');

export function needsLimit(name: LimitName): Need {
  return ({ capabilities }) => (capabilities.limits[name] === 'none' ? `the limit ${name}` : null);
}

export function needsHardLimit(name: LimitName): Need {
  return ({ capabilities }) => (capabilities.limits[name] === 'hard' ? null : `a hard limit ${name}`);
}

export function needsNetwork(mode: ProviderCapabilities['network'][number]): Need {
  return ({ capabilities }) => (capabilities.network.includes(mode) ? null : `network ${mode}`);
}

/** The first that is missing. */
export function needsAll(...needs: readonly Need[]): Need {
  return (claims) => needs.map((need) => need(claims)).find((missing) => missing !== null) ?? null;
}
