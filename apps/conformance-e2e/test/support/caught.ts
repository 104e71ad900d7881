import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
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
}

/** Declares for each broken provider a test that the suite catches it, and one for all that the provider they are made of passes. */
export function provesThatTheSuiteCatches(brokens: readonly Broken[]): void {
  test('the provider that is broken below passes these tests', async () => {
    const wanted = (name: string): boolean => brokens.some(({ caughtBy }) => caughtBy.test(name));
    const { failures, left } = await runSuite((ports) => new SandboxExecProvider(ports), wanted);
    expect([...failures].filter(([, failure]) => failure !== null)).toEqual([]);
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
      expect(report.tests.find((each) => `${each.section}: ${each.name}` === name)?.outcome).toBe('failed');
      expect(left).toEqual([]);
    },
    120_000,
  );
}
