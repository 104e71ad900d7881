import { parseArgs } from 'node:util';
import { SandboxError, sentenceOf } from '@ergon/sandbox-core';

/** What the command line says. */
export interface Options {
  readonly examples?: string | undefined;
  readonly help?: boolean | undefined;
  readonly version?: boolean | undefined;
}

/** @throws SandboxError SANDBOX008 with a sentence that names the option */
export function readOptions(argv: readonly string[]): Options {
  try {
    return parseArgs({
      args: [...argv],
      options: { examples: { type: 'string' }, help: { type: 'boolean' }, version: { type: 'boolean' } },
    }).values;
  } catch (error) {
    throw new SandboxError(
      'SANDBOX008',
      `${sentenceOf(error)}. The only options are --examples DIR, --help and --version.`,
      { cause: error },
    );
  }
}

/** What `--help` prints. */
export function helpText(variables: readonly string[]): string {
  return `Usage: ergon-sandbox-api [--examples DIR] [--help] [--version]

Serves the HTTP API of Ergon Sandbox until SIGTERM, SIGINT or SIGHUP.

  --examples DIR  stores the example solutions of that folder at the start
  --help          prints this
  --version       prints the version

Exit codes: 0 after an ordered end, 78 for a setting or an option that is wrong, 1 for anything else.

The rest is configured by environment variables; the README has a table of them:
${variables.map((name) => `  ${name}`).join('\n')}
`;
}
