import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { contractVersion } from '@ergon/sandbox-core';
import type { ProviderCapabilities } from '@ergon/sandbox-core';
import { suiteVersion } from './version.js';

export type Outcome = 'passed' | 'failed' | 'not claimed' | 'not run';

export interface ReportedTest {
  readonly section: string;
  readonly name: string;
  /** `not claimed`: the provider does not claim what it tests. `not run`: whatever it claims, this was not looked at. */
  readonly outcome: Outcome;
  /** What is not claimed, or why it was not run. Null for other outcomes. */
  readonly reason: string | null;
}

/**
 * What a provider claims, without facts of the machine: the same on every run. Nor with the limit of output, which is the host's to keep: it
 * counts what it captures, and providers yield all of it.
 */
export type ReportedClaims = Omit<ProviderCapabilities, 'limits' | 'machine' | 'details' | 'platforms' | 'runtimes'> & {
  readonly limits: Omit<ProviderCapabilities['limits'], 'output'>;
};

/** Filled as the tests run; complete when the last one, which reports, has disposed of the provider. */
export interface ConformanceReport {
  /** Version of this package. */
  readonly suite: string;
  /** Number of the contract that it tests. */
  readonly contract: number;
  /** Null: no test has run yet, or there was no provider. */
  readonly provider: string | null;
  readonly claims: ReportedClaims | null;
  readonly tests: readonly ReportedTest[];
}

export function reportedClaims(capabilities: ProviderCapabilities): ReportedClaims {
  const { isolation, network, stdin, tty, signals, files, usage, mounts, gpu, persistence, images, services } =
    capabilities;
  const limits = withoutOutput(capabilities.limits);
  return { isolation, limits, network, stdin, tty, signals, files, usage, mounts, gpu, persistence, images, services };
}

function withoutOutput({ output: _, ...limits }: ProviderCapabilities['limits']): ReportedClaims['limits'] {
  return limits;
}

/** The report as Markdown: claims, and a table by section. */
export function markdown({ suite, contract, provider, claims, tests }: ConformanceReport): string {
  const count = (outcome: Outcome): number => tests.filter((test) => test.outcome === outcome).length;
  const counts = (['passed', 'failed', 'not claimed', 'not run'] as const)
    .filter((outcome) => outcome === 'passed' || count(outcome) > 0)
    .map((outcome) => `${count(outcome)} ${outcome}`);
  const sections = [...new Set(tests.map(({ section }) => section))];
  return [
    `# Conformance of \`${provider ?? 'no provider'}\``,
    '',
    `${counts.join(', ')}. Contract ${contract}, suite ${suite}.`,
    '',
    ...(claims === null ? [] : [...table(['claimed', 'how'], claimRows(claims)), '']),
    ...sections.flatMap((section) => [
      `## ${section}`,
      '',
      ...table(
        ['promise', 'outcome'],
        tests
          .filter((test) => test.section === section)
          .map(({ name, outcome, reason }) => [name, reason === null ? outcome : `${outcome}: ${reason}`]),
      ),
      '',
    ]),
  ].join('\n');
}

function claimRows({ isolation, limits, network, ...others }: ReportedClaims): string[][] {
  const yes = Object.entries(others).flatMap(([name, has]) => (has ? [name] : []));
  const no = Object.entries(others).flatMap(([name, has]) => (has ? [] : [name]));
  const beyond = [
    ...yes.filter((name) => ['gpu', 'persistence', 'services'].includes(name)),
    ...network.filter((mode) => mode === 'allowlist' || mode === 'named').map((mode) => `network ${mode}`),
  ];
  return [
    ['isolation', isolation],
    ...Object.entries(limits).map(([name, enforcement]) => [`limit ${name}`, enforcement]),
    ['network', network.join(', ')],
    ['also', yes.join(', ')],
    ['not', no.join(', ')],
    ...(beyond.length === 0 ? [] : [['claimed, not tested here', beyond.join(', ')]]),
  ];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [heads, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')));
  const widths = heads.map((_, column) => Math.max(3, ...cells.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = cells;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)];
}

/** Writes `<file>.md` and `<file>.json`. */
export async function writeReport(file: string, report: ConformanceReport): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.md`, markdown(report));
  await writeFile(`${file}.json`, `${JSON.stringify(report, null, 2)}\n`);
}

/** A report that fills while the tests run. */
export class LiveReport implements ConformanceReport {
  readonly suite = suiteVersion;
  readonly contract = contractVersion;
  provider: string | null = null;
  claims: ReportedClaims | null = null;
  readonly tests: ReportedTest[] = [];

  describe(provider: string, claims: ReportedClaims): void {
    this.provider = provider;
    this.claims = claims;
  }

  /** @returns what records how it ended */
  declare(section: string, name: string): (outcome: Outcome, reason?: string) => void {
    const index = this.tests.push({ section, name, outcome: 'not run', reason: 'filtered out' }) - 1;
    return (outcome, reason) => {
      this.tests[index] = { section, name, outcome, reason: reason ?? null };
    };
  }
}
