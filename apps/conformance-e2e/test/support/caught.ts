import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import type { ReportedTest } from '@ergon/sandbox-conformance';
import { runSuite, type Create } from './run-suite.js';

/** A provider that keeps every promise but one. */
export interface Broken {
  /** What it does wrong: "A provider that …". */
  readonly that: string;
  readonly create: Create;
  /** The one test of the suite that stands for the promise. */
  readonly caughtBy: RegExp;
  /** Words of its message, by which the provider's author knows what to mend. */
  readonly message: RegExp;
  /** False: for what the provider claims that they are made of, the test is not run. @default true */
  readonly claimed?: boolean;
  /** An ordinary user's sandboxes do not have it: their memory and CPU time are not counted by the kernel. */
  readonly rootOnly?: true;
}

/** Declares for each broken provider a test that the suite catches it, and one for all that the provider they are made of passes. */
export function provesThatTheSuiteCatches(all: readonly Broken[]): void {
  const brokens = all.filter(({ rootOnly }) => rootOnly !== true || process.getuid?.() === 0);

  test('the provider that is broken below passes these tests', async () => {
    const wanted = (name: string): boolean => brokens.some(({ caughtBy }) => caughtBy.test(name));
    const { failures, report, left } = await runSuite((ports) => new SandboxExecProvider(ports), wanted);
    expect([...failures].filter(([, failure]) => failure !== null)).toEqual([]);
    for (const { caughtBy, claimed = true } of brokens) {
      const found = report.tests.find((each) => caughtBy.test(nameOf(each)));
      expect(found?.outcome).toMatch(claimed ? /^passed$/ : /^not (claimed|run)$/);
    }
    expect(left).toEqual([]);
  }, 300_000);

  test.each(brokens)(
    'a provider that $that is caught',
    async ({ create, caughtBy, message }) => {
      const { failures, report, left } = await runSuite(create, (name) => caughtBy.test(name));
      const [[name, failure] = ['no test', null], ...others] = [...failures];
      expect(name).toMatch(caughtBy);
      expect(others).toHaveLength(1); // the last one, which reports
      expect(failure ?? `"${name}" passed.`).toMatch(message);
      expect(failure).toMatch(/^Broken promise: .+$/m);
      expect(failure).toMatch(/^To mend: .+$/m);
      expect(report.tests.find((each) => nameOf(each) === name)?.outcome).toBe('failed');
      expect(left).toEqual([]);
    },
    120_000,
  );
}

function nameOf({ section, name }: ReportedTest): string {
  return `${section}: ${name}`;
}
