import { eventToWire, resultToWire } from '@ergon/sandbox-core';
import type { Execution, Sandbox, SandboxResult, Selection, StoredSolution } from '@ergon/sandbox-core';
import { exitCodeOf } from '../exit-code.js';
import { exitCodes } from '../failure.js';
import { Interrupts } from '../interrupts.js';
import { keepOutput } from '../keep-output.js';
import { requestOf, sentenceForOptions } from '../limits.js';
import type { LimitOptions } from '../limits.js';
import { passInput, terminalSize } from '../local/input.js';
import { LocalRunner } from '../local/runner.js';
import { errorsToTell } from '../output/errors.js';
import { isOnUnknownField } from '../output/notes.js';
import { Pipes } from '../output/pipe.js';
import { Preparation } from '../output/preparation.js';
import { Progress } from '../output/progress.js';
import { complain, plain, say } from '../output/words.js';
import { readSolution } from '../solution.js';
import type { SolutionUnit } from '../solution.js';

export interface RunOptions extends LimitOptions {
  readonly json?: 'result' | 'events';
  readonly tty?: boolean;
  readonly interactive?: boolean;
  readonly keepOutput?: string;
  /** Run the solution's test command. */
  readonly tests?: boolean;
  /** Where all that it writes goes. @default each stream to ours of its name */
  readonly outputTo?: 'stderr';
}

/** Runs a folder's program in a sandbox of this machine. @returns the exit code */
export async function run(path: string, command: readonly string[], options: RunOptions): Promise<number> {
  return (await runFolder(path, command, options)).code;
}

/** @returns the exit code, what was run, and the notes on it that were said */
export async function runFolder(
  path: string,
  command: readonly string[],
  options: RunOptions,
): Promise<{ code: number; unit: SolutionUnit; notes: readonly string[] }> {
  const tty = options.tty === true ? terminalSize() : undefined;
  const { unit, leftOut } = await readSolution(path, command.length === 0);
  for (const sentence of leftOut) say(plain(sentence), 'yellow');
  const { content, name, version } = unit;
  const request = requestOf(options);
  const progress = new Progress();
  progress.show('Preparing');
  let sandbox: Sandbox | null = null;
  let execution: Execution | null = null;
  let stopped = false;
  // In order: the program is asked to end and has a second for it.
  const stop = (): void => {
    stopped = true;
    void (execution?.stop() ?? sandbox?.cleanup())?.catch(() => {}); // the run's own end tells what became of it
  };
  using interrupts = new Interrupts(stop, () => {
    progress.clear();
    complain('Stopped at once; what is left of the sandbox is removed by the next run.');
    process.exit(interrupts.exitCode ?? exitCodes.notRun);
  });
  const pipes = new Pipes();
  pipes.closed.addEventListener('abort', stop);
  let notes: readonly string[] = [];
  const ended = (code: number): Awaited<ReturnType<typeof runFolder>> => ({ code, unit, notes });
  try {
    const id = unit.id ?? name;
    const solution: StoredSolution = { id, name, version, content };
    await using local = await LocalRunner.open(solution);
    sandbox = await local.runner.open(id, request);
    if (stopped) return ended(interrupts.exitCode ?? exitCodes.brokenPipe);
    notes = notesOn(sandbox.selection, options);
    if (notes.length > 0) progress.clear();
    for (const note of notes) say(plain(note), 'yellow');
    if (notes.length > 0) progress.show('Preparing');
    execution = await sandbox.execute({
      ...(command.length > 0 && { command }),
      ...(options.tests === true && { test: true }),
      ...((options.interactive === true || tty !== undefined) && { stdin: true }),
      ...(tty !== undefined && { tty }),
    });
    if (stopped) stop();
    const restore = options.interactive === true || tty !== undefined ? passInput(execution) : null;
    try {
      await show(execution, options, pipes, progress);
    } finally {
      progress.clear();
      restore?.();
    }
    const result = await execution.result;
    await tell(result, options, pipes);
    if (options.keepOutput !== undefined) {
      const output = await local.runner.outputs(execution.id);
      const files = output.entries.map(({ path, mode }) => ({ path, mode, read: () => output.read(path) }));
      await keepOutput(files, options.keepOutput);
    }
    await sandbox.cleanup();
    if (pipes.closed.aborted) return ended(exitCodes.brokenPipe);
    return ended(exitCodeOf(result, interrupts.exitCode));
  } catch (error) {
    if (interrupts.exitCode !== null) return ended(interrupts.exitCode);
    throw error;
  } finally {
    progress.clear();
  }
}

const optionsOfNotes = { memory_limit: 'memory', cpu_limit: 'cpu', disk_limit: 'disk', pids_limit: 'pids' } as const;

/** What is otherwise than was asked for. Of what was not, such as a default of 4 CPUs on a machine of 2, nobody wants to know. */
function notesOn({ fallback, notes }: Selection, options: RunOptions): readonly string[] {
  const asked = Object.values(optionsOfNotes).some((option) => options[option] !== undefined);
  return notes.flatMap((note) => {
    const field = Object.keys(optionsOfNotes).find((name) => note.startsWith(name)) as
      keyof typeof optionsOfNotes | undefined;
    if (field === undefined) return fallback || asked || isOnUnknownField(note) ? [note] : [];
    return options[optionsOfNotes[field]] === undefined ? [] : [sentenceForOptions(note, field)];
  });
}

/** What the program writes, as it comes; or its events, one a line. */
async function show(
  execution: Execution,
  { json, outputTo }: RunOptions,
  pipes: Pipes,
  progress: Progress,
): Promise<void> {
  const preparation = new Preparation(progress);
  for await (const batch of execution.events({ raw: json !== 'events' })) {
    for (const event of batch) {
      if (json === 'events') {
        await pipes.write('stdout', `${JSON.stringify(eventToWire(execution.id, event))}\n`);
      } else if (event.type === 'data') {
        if (json !== undefined) continue;
        progress.clear();
        await pipes.write(outputTo ?? event.stream, event.data);
      } else preparation.take(event);
    }
  }
}

async function tell(result: SandboxResult, { json }: RunOptions, pipes: Pipes): Promise<void> {
  if (json === 'result') await pipes.write('stdout', `${JSON.stringify(wireOf(result))}\n`);
  if (json === 'events') {
    await pipes.write('stdout', `${JSON.stringify({ type: 'result', ...wireOf(result) })}\n`);
  }
  if (pipes.closed.aborted) return;
  for (const sentence of json === undefined ? errorsToTell(result.errors) : result.errors) complain(plain(sentence));
}

/** As a server's `GET /results/{sandbox_id}` has it. */
function wireOf(result: SandboxResult): object {
  return { ...resultToWire(result), stdout: result.stdout, stderr: result.stderr };
}
