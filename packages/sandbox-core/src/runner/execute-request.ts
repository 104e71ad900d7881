import { commandField, ttySizeField } from '../config/fields.js';
import { parseInput } from '../config/parse.js';
import type { ProviderCapabilities } from '../contract/capabilities.js';
import { SandboxError } from '../contract/error.js';
import type { TtySize } from '../contract/provider.js';
import type { Solution } from '../solution/content.js';
import { InputChannel, ResizeChannel } from './interaction.js';

export interface ExecuteRequest {
  /** argv. Default: the solution's own command. */
  readonly command?: readonly string[] | undefined;
  /** The solution's `test_command`. @default false */
  readonly test?: boolean | undefined;
  /** Text: given whole; then stdin is closed. True: open, for `Execution.write`. Default: empty and closed. */
  readonly stdin?: string | boolean | undefined;
  /** A terminal of this size; its stdin is open. */
  readonly tty?: TtySize | undefined;
  /** Chosen by the caller: the same id again follows that execution and never starts a second. */
  readonly executionId?: string | undefined;
}

/** How a program hears of people. */
export interface Interaction {
  readonly input: InputChannel | null;
  readonly resizes: ResizeChannel | null;
  readonly text?: AsyncIterable<Uint8Array>;
  readonly size?: TtySize;
}

/** @throws SandboxError SANDBOX008 (no command, or a bad one) */
export function commandOf({ command, test }: ExecuteRequest, solution: Solution): readonly string[] {
  if (command !== undefined) return parseInput(commandField, command, 'command');
  const { runCommand, testCommand, mainFile, files } = solution;
  if (test === true) {
    if (testCommand === null)
      throw new SandboxError('SANDBOX008', 'test: the solution has no test_command.', { field: 'test' });
    return testCommand;
  }
  if (runCommand === null) {
    throw new SandboxError(
      'SANDBOX008',
      files.has(mainFile)
        ? `command: the solution has no run_command, and none follows from its main file "${mainFile}".`
        : `command: the solution has no run_command, and its main file "${mainFile}" is not among its files.`,
      { field: 'command' },
    );
  }
  return runCommand;
}

/** @throws SandboxError SANDBOX008 (a size that is none), SANDBOX009 (the provider has no stdin, or no terminal) */
export function interactionOf(
  { stdin = false, tty }: ExecuteRequest,
  provider: string,
  capabilities: Pick<ProviderCapabilities, 'stdin' | 'tty'>,
): Interaction {
  const open = stdin === true || tty !== undefined;
  for (const [field, asked] of [
    ['tty', tty !== undefined],
    ['stdin', open || stdin !== false],
  ] as const) {
    if (asked && !capabilities[field]) {
      throw new SandboxError('SANDBOX009', `${field}: ${provider} does not have it.`, { field });
    }
  }
  if (tty !== undefined && typeof stdin === 'string') {
    throw new SandboxError('SANDBOX008', 'stdin: text is not for a terminal, which would echo it; write it.', {
      field: 'stdin',
    });
  }
  const resizes = tty === undefined ? null : new ResizeChannel();
  return {
    input: open ? new InputChannel() : null,
    resizes,
    ...(typeof stdin === 'string' && { text: once(stdin) }),
    ...(tty !== undefined && { size: parseInput(ttySizeField, tty, 'tty') }),
  };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}
