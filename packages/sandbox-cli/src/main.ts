import { CommanderError } from 'commander';
import { exitCodes, Failure } from './failure.js';
import { sentenceForOptions } from './limits.js';
import { complain, plain } from './output/words.js';
import { createProgram } from './program.js';

/** Commands whose exit code is a program's: their own failures have one that programs seldom use. */
const running = new Set(['run', 'test']);

/**
 * The command line.
 * @param argv without the names of Node and of the script
 * @returns the exit code; nothing is thrown
 */
export async function main(argv: readonly string[]): Promise<number> {
  const isRun = running.has(argv.find((word) => !word.startsWith('-')) ?? '');
  let code = 0;
  try {
    await createProgram((exitCode) => (code = exitCode)).parseAsync(withForms(argv), { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      return isRun ? exitCodes.notRun : exitCodes.usage;
    }
    return tell(error) ?? (isRun ? exitCodes.notRun : exitCodes.failed);
  }
}

/** A bare `--json` takes no word after it: `run --json DIR`. */
function withForms(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((word, index) =>
    argv[0] === 'run' && word === '--json' && (end === -1 || index < end) ? '--json=result' : word,
  );
}

/** @returns the exit code that the failure asks for */
function tell(error: unknown): number | null {
  if (error instanceof Failure) {
    complain(plain(error.message), error.hint === null ? null : plain(error.hint));
    return error.exitCode;
  }
  if (isCoded(error)) {
    complain(plain(`${sentenceForOptions(error.message, error.field)} (${error.code})`));
    return null;
  }
  // A fault of ours needs its stack.
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return null;
}

/** A failure with one of the system's codes. By its shape, so that help need not load the core. */
function isCoded(error: unknown): error is Error & { code: string; field?: string } {
  return error instanceof Error && 'code' in error && /^SANDBOX\d{3}$/.test(String(error.code));
}
