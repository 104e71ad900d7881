import type {
  ExecuteOptions,
  ExecutionEnd,
  OutputChunk,
  Report,
  ResourceUsage,
  SandboxConfig,
  SandboxProvider,
} from '@ergon/sandbox-core';
import { assertEnd } from './end.js';
import { programs } from './programs.js';
import { asBroken, equal, holds, STEP_MS, succeeds, within } from './promises.js';

/** What one execution showed. */
export interface Run {
  /** As UTF-8. */
  readonly stdout: string;
  readonly stderr: string;
  readonly chunks: readonly OutputChunk[];
  readonly reports: readonly Report[];
  readonly end: ExecutionEnd;
  /** From the call of `execute` to the end of its output, in ms. */
  readonly wallMs: number;
}

export interface RunOptions extends Partial<ExecuteOptions> {
  /** Called with each chunk; awaited, so that a slow one makes a slow reader. */
  readonly onChunk?: (chunk: OutputChunk) => unknown;
  /** False: chunks are not collected. @default true */
  readonly keep?: boolean;
  /** How long the whole run may take before it counts as hanging, in ms. @default 40_000 */
  readonly hangsAfterMs?: number;
}

/** A sandbox of a test. */
export class TestSandbox {
  #timesAgain = 0;

  constructor(
    readonly provider: SandboxProvider,
    readonly config: SandboxConfig,
  ) {}

  get id(): string {
    return this.config.sandboxId;
  }

  /** Runs a command to its end, and checks what holds for every run. */
  async run(command: readonly string[], options: RunOptions = {}): Promise<Run> {
    return within(
      options.hangsAfterMs ?? 40_000,
      `execute(${JSON.stringify(command).slice(0, 200)})`,
      this.#run(command, options),
    );
  }

  async #run(command: readonly string[], { onChunk, keep = true, ...options }: RunOptions): Promise<Run> {
    const chunks: OutputChunk[] = [];
    const reports: Report[] = [];
    const started = performance.now();
    let last = 0;
    const output = this.provider.execute(this.id, command, {
      timeoutMs: this.config.limits.timeoutMs,
      ...options,
      report: (report) => {
        reports.push(report);
        options.report?.(report);
      },
    });
    try {
      for await (const chunk of output) {
        last = assertChunk(chunk, last);
        if (keep) chunks.push(chunk);
        await onChunk?.(chunk);
      }
    } catch (error) {
      throw asBroken(error, {
        promise:
          'execute() throws only for misuse (SANDBOX006, SANDBOX007): whatever happens to a program, its output ends.',
        mend: 'Let the output end, and tell what happened by getResult(): as an exit, `not-started` or `lost` with a reason.',
      });
    }
    const wallMs = performance.now() - started;
    const end = await this.end();
    assertEnd(end);
    assertPhases(reports, end);
    return { stdout: textOf(chunks, 'stdout'), stderr: textOf(chunks, 'stderr'), chunks, reports, end, wallMs };
  }

  /** Runs a script of the POSIX shell; inside, `"$1"` and on are the arguments. */
  sh(script: string, options: RunOptions = {}, args: readonly string[] = []): Promise<Run> {
    return this.run(['/bin/sh', '-c', script, 'sh', ...args], options);
  }

  /** Starts a script that prints something when it is up, and gives its run when it has. */
  async start(script: string, options: RunOptions = {}): Promise<{ readonly ended: Promise<Run> }> {
    let up: () => void = () => undefined;
    const first = new Promise<void>((resolve) => (up = resolve));
    const ended = this.sh(script, {
      ...options,
      onChunk: (chunk) => {
        up();
        return options.onChunk?.(chunk);
      },
    });
    ended.catch(() => undefined); // the caller awaits it later
    await Promise.race([first, ended]);
    return { ended };
  }

  /** Where its three folders are, as a program sees them. */
  async folders(): Promise<{ readonly solution: string; readonly workspace: string; readonly output: string }> {
    const { stdout } = await this.sh('printf "%s\\0" "$SOLUTION_DIR" "$WORKSPACE_DIR" "$OUTPUT_DIR"');
    const [solution = '', workspace = '', output = ''] = stdout.split('\0');
    holds(
      [solution, workspace, output].every((folder) => folder !== ''),
      {
        promise: 'SOLUTION_DIR, WORKSPACE_DIR and OUTPUT_DIR are set for every command.',
        mend: 'Add the four variables of a sandbox to those of the solution when you start a command: SANDBOX_ID is the fourth.',
      },
      { SOLUTION_DIR: solution, WORKSPACE_DIR: workspace, OUTPUT_DIR: output },
    );
    return { solution, workspace, output };
  }

  /** How its last command ended. */
  end(): Promise<ExecutionEnd> {
    const mend = 'Have the end ready before the output ends, or a reader that left is let go.';
    return succeeds(10_000, 'getResult() after the output has ended', mend, () => this.provider.getResult(this.id));
  }

  usage(): Promise<ResourceUsage> {
    const mend = 'Measure, or give unmeasuredUsage where nothing runs.';
    return succeeds(10_000, 'usage()', mend, () => this.provider.usage(this.id));
  }

  cleanup(): Promise<boolean> {
    return succeeds(STEP_MS, 'cleanup()', removal, () => this.provider.cleanup(this.id));
  }

  /** Fails if anything of an earlier execution still lives that showed it by `programs.beat`. */
  async assertTreeIsGone(): Promise<void> {
    const { stdout } = await this.sh(programs.listen);
    equal(stdout, 'still\n', {
      promise: 'When an execution has ended, no process of its tree is left, whatever it ignores, holds or has left.',
      mend: 'Before the end is told, kill all of it by its cgroup, pid namespace or container, not by pid or process group.',
    });
  }

  /** Fails unless the sandbox executes as if nothing had been, in the workspace that it had. */
  async assertRunsAgain(): Promise<void> {
    const run = await this.sh('echo again >> again.txt && wc -l < again.txt');
    const times = ++this.#timesAgain;
    const { cause, exitCode } = run.end;
    const promised = {
      promise: 'After an end of any kind but `lost` the sandbox can execute again.',
      mend: 'Make what one execution needs anew for the next; keep /workspace and /output, and nothing else, between them.',
    };
    equal({ cause, exitCode, reason: run.end.reason }, { cause: 'exited', exitCode: 0, reason: null }, promised);
    equal(Number(run.stdout), times, {
      promise: 'It executes in the workspace that it had, whatever ended the command before.',
      mend: 'Keep the files of /workspace and /output as the program left them.',
    });
  }
}

/** What is told where something of a sandbox could not be removed. */
export const removal =
  'Remove whatever a program made and whatever state the sandbox is in; take what is gone already for removed.';

/** Reads the first chunk of the output of a program that prints one, and goes on reading the rest. */
export async function begin(output: AsyncIterable<OutputChunk>): Promise<{ readonly rest: Promise<void> }> {
  const iterator = output[Symbol.asyncIterator]();
  const first = await within(20_000, 'The first output of a program', iterator.next());
  holds(first.done !== true, {
    promise: 'A program runs, and what it prints is told while it does.',
    mend: 'Start the command, and yield its output as it comes.',
  });
  const read = async (): Promise<void> => {
    for (let next: IteratorResult<OutputChunk, unknown> = first; next.done !== true;) next = await iterator.next();
  };
  const rest = within(40_000, 'execute()', read());
  rest.catch(() => undefined); // the caller awaits it later
  return { rest };
}

function textOf(chunks: readonly OutputChunk[], stream: string): string {
  return Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ data }) => data)).toString();
}

function assertChunk(chunk: OutputChunk, last: number): number {
  const { stream, data, at } = chunk;
  holds(
    (stream === 'stdout' || stream === 'stderr') && ArrayBuffer.isView(data) && data.byteLength > 0,
    {
      promise: 'A chunk of output has its stream and at least one byte.',
      mend: 'Yield { stream, data: Uint8Array, at }.',
    },
    chunk,
  );
  holds(
    Number.isFinite(at) && at >= last,
    {
      promise: '`at` of a chunk is in ms since the start, and never decreases.',
      mend: 'Take one monotonic clock (performance.now()) when a chunk is read, and its difference to the start.',
    },
    { at, last },
  );
  return at;
}

function assertPhases(reports: readonly Report[], { cause }: ExecutionEnd): void {
  const phases = reports.flatMap((report) => (report.type === 'phase' ? [report.phase] : []));
  const started = phases.filter((phase) => phase === 'started').length;
  const ended = phases.filter((phase) => phase === 'ended').length;
  const promised = {
    promise: 'A run that started reports the phase `started` once, and one that ended reports `ended` once, after it.',
    mend: 'Report { type: "phase", phase: "started" } when the program runs, and "ended" when its processes are gone.',
  };
  holds(started <= 1 && ended <= started, promised, phases);
  if (cause === 'exited' || cause === 'signalled' || cause === 'timeout' || cause === 'limit') {
    holds(started === 1 && ended === 1 && phases.indexOf('started') < phases.indexOf('ended'), promised, phases);
  }
}
