import { SandboxError } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { runSuite } from './support/run-suite.js';

class PreparesNothing extends SandboxExecProvider {
  override async prepare(): Promise<string> {
    throw new SandboxError('SANDBOX011', 'The environment could not be made.');
  }
}

test('the whole suite comes to its end with a provider that can prepare nothing, and says so of every test', async () => {
  const { failures, report, left, printed } = await runSuite(
    (ports) => new PreparesNothing(ports),
    () => true,
  );
  expect(report.tests.length).toBeGreaterThan(150);
  expect(report.tests.filter(({ reason }) => reason === 'filtered out')).toEqual([]);
  expect(report.tests.filter(({ section, outcome }) => section === 'Ends' && outcome !== 'failed')).toEqual([]);
  const messages = [...failures.values()].filter((failure) => failure !== null);
  expect(messages.filter((message) => !/^Broken promise: [^]*^To mend: /m.test(message))).toEqual([]);
  expect(printed).toContain(`${messages.length} failed`);
  expect(left).toEqual([]);
}, 180_000);
