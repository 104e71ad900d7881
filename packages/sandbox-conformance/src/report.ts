import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ProviderCapabilities } from '@ergon/sandbox-core';

export type Outcome = 'passed' | 'failed' | 'not claimed' | 'not run';

export interface ReportedTest {
  readonly section: string;
  readonly name: string;
  /** `not claimed`: the provider does not claim what it tests. `not run`: it was filtered out, or something failed before. */
  readonly outcome: Outcome;
  /** What is not claimed. Null for other outcomes. */
  readonly missing: string | null;
}

/** What a provider claims, without figures of the machine: the same on every run. */
export type ReportedClaims = Omit<ProviderCapabilities, 'machine' | 'details' | 'platforms' | 'runtimes'>;

/** Filled as the tests run; complete when the last one, which reports, begins. */
export interface ConformanceReport {
  /** Null: no test has run yet, or there was no provider. */
  readonly provider: string | null;
  readonly claims: ReportedClaims | null;
  readonly tests: readonly ReportedTest[];
}

export function reportedClaims(capabilities: ProviderCapabilities): ReportedClaims {
  const { isolation, limits, network, stdin, tty, signals, files, usage, mounts, gpu, persistence, images, services } =
    capabilities;
  return { isolation, limits, network, stdin, tty, signals, files, usage, mounts, gpu, persistence, images, services };
}

/** The report as Markdown: claims, and a table by section. */
export function markdown({ provider, claims, tests }: ConformanceReport): string {
  const count = (outcome: Outcome): number => tests.filter((test) => test.outcome === outcome).length;
  const counts = (['passed', 'failed', 'not claimed', 'not run'] as const)
    .filter((outcome) => outcome === 'passed' || count(outcome) > 0)
    .map((outcome) => `${count(outcome)} ${outcome}`);
  const sections = [...new Set(tests.map(({ section }) => section))];
  return [
    `# Conformance of \`${provider ?? 'no provider'}\``,
    '',
    `${counts.join(', ')}.`,
    '',
    ...(claims === null ? [] : [...table(['claimed', 'how'], claimRows(claims)), '']),
    ...sections.flatMap((section) => [
      `## ${section}`,
      '',
      ...table(
        ['promise', 'outcome'],
        tests
          .filter((test) => test.section === section)
          .map(({ name, outcome, missing }) => [name, missing === null ? outcome : `${outcome}: ${missing}`]),
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
  provider: string | null = null;
  claims: ReportedClaims | null = null;
  readonly tests: ReportedTest[] = [];

  describe(provider: string, claims: ReportedClaims): void {
    this.provider = provider;
    this.claims = claims;
  }

  /** @returns what records how it ended */
  declare(section: string, name: string): (outcome: ReportedTest['outcome'], missing: string | null) => void {
    const index = this.tests.push({ section, name, outcome: 'not run', missing: null }) - 1;
    return (outcome, missing) => {
      this.tests[index] = { section, name, outcome, missing };
    };
  }
}
