import { describeProvider } from '../../src/index.js';
import type { ConformanceOptions } from '../../src/index.js';
import { TinyProvider } from './tiny-provider.js';

/** Those tests that a provider without any wall can pass; what it does not claim; and the last, which reports. */
const some =
  /^(Probe and check|Lifecycle: (a command runs|getResult|an unknown sandbox|two cleanups)|Ends: exit (0|42) |Output: what is written right before|Usage: (usage|samples)|Terminal: all|Network: full: what the author|Report)/;

/**
 * Declares some tests of the suite for a tiny provider, with whatever runner's `test`. With TINY_LIE its exit codes are wrong; with
 * TINY_UNREPORTED the test that reports is left out; with TINY_UNDISPOSED it says at its disposal that this failed.
 */
export function declareTinySuite(test: ConformanceOptions['test']): void {
  describeProvider({
    test: (name, body, timeoutMs) => {
      const isLeftOut = process.env.TINY_UNREPORTED !== undefined && name.startsWith('Report');
      if (some.test(name) && !isLeftOut) test(name, body, timeoutMs);
    },
    createProvider: (ports) => {
      const provider = new TinyProvider(ports, Number(process.env.TINY_LIE ?? 0));
      return process.env.TINY_UNDISPOSED === undefined ? provider : failingAtItsDisposal(provider);
    },
    fixtures: {
      vanish: async () => {
        throw new Error('No test that was chosen lets it vanish.');
      },
      leftovers: async () => [],
    },
    ...(process.env.TINY_REPORT !== undefined && { reportFile: process.env.TINY_REPORT }),
  });
}

function failingAtItsDisposal(provider: TinyProvider): TinyProvider {
  return Object.assign(provider, {
    [Symbol.asyncDispose]: () => Promise.reject(new Error('The engine does not answer.')),
  });
}
