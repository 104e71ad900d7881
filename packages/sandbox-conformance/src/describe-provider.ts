import type { ConformanceOptions } from './options.js';
import { all } from './promises.js';
import { LiveReport, markdown, reportedClaims, writeReport } from './report.js';
import type { ConformanceReport } from './report.js';
import { sections } from './sections/index.js';
import { Workplace } from './workplace.js';

/** What a test may take, beyond its own time, to remove what it made. */
const CLOSING_MS = 150_000;

/**
 * Declares the whole suite for one provider, with the test function of whatever runner calls it; tests are to run one after another.
 * What the provider's probe does not claim is not run, and is listed so in the report, which the last test prints and writes.
 *
 * @example
 * describeProvider({
 *   test,
 *   createProvider: (ports) => new MyProvider(ports),
 *   fixtures: { vanish: ({ sandboxId }) => kill(sandboxId), leftovers: (instanceId) => search(instanceId) },
 * });
 * @returns the report, which is filled while the tests run
 * @throws TypeError where an option is missing
 */
export function describeProvider(options: ConformanceOptions): ConformanceReport {
  requireOptions(options);
  const { test, reportFile } = options;
  const report = new LiveReport();
  const workplace = new Workplace(options, ({ provider, capabilities }) => {
    report.describe(provider.name, reportedClaims(capabilities));
  });

  for (const { title, tests } of sections) {
    for (const [index, each] of tests.entries()) {
      const record = report.declare(title, each.name);
      const timeoutMs = each.timeoutMs ?? 60_000;
      const isLast = !tests.slice(index + 1).some(({ shares }) => shares);
      const body = async (): Promise<void> => {
        record('failed');
        let gap = each.needs?.(await workplace.claims()) ?? null;
        if (gap === null) gap = await workplace.run(each, timeoutMs, isLast);
        else if (isLast) await workplace.closeShared();
        if (gap === null) record('passed');
        else record(gap.outcome, gap.reason);
      };
      test(`${title}: ${each.name}`, () => workplace.use(body), timeoutMs + CLOSING_MS);
    }
  }

  const record = report.declare('Disposal', '[Symbol.asyncDispose]() of the provider that the tests shared settles');
  const dispose = async (): Promise<void> => {
    if (workplace.wasUsed) record('failed');
    await workplace.use(() => workplace.putAway());
    if (workplace.wasUsed) record('passed');
  };
  const tell = async (): Promise<void> => {
    process.stdout.write(`\n${markdown(report)}\n`);
    if (reportFile !== undefined) await writeReport(reportFile, report);
  };
  test('Report: what was run, what is not claimed, and how the disposal ended', () => all(dispose, tell), CLOSING_MS);
  return report;
}

/** Types tell authors who write in TypeScript; this tells all others. */
function requireOptions({
  test,
  createProvider,
  fixtures,
}: { readonly [K in keyof ConformanceOptions]?: unknown }): void {
  const { vanish, leftovers } = (fixtures ?? {}) as Record<string, unknown>;
  const given = { test, createProvider, 'fixtures.vanish': vanish, 'fixtures.leftovers': leftovers };
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== 'function')
      throw new TypeError(`describeProvider: \`${name}\` has to be a function; see ConformanceOptions.`);
  }
}
