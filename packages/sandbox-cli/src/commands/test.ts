import { SandboxApiError } from '@ergon/sandbox-client';
import type { Execution, Sandbox, SandboxClient } from '@ergon/sandbox-client';
import { exitCodeOf } from '../exit-code.js';
import { exitCodes } from '../failure.js';
import { Interrupts } from '../interrupts.js';
import { keepOutput } from '../keep-output.js';
import type { LeftFile } from '../keep-output.js';
import { requestOf } from '../limits.js';
import type { LimitOptions } from '../limits.js';
import { errorsToTell } from '../output/errors.js';
import { isOnUnknownField } from '../output/notes.js';
import { Pipes } from '../output/pipe.js';
import { Preparation } from '../output/preparation.js';
import { Progress } from '../output/progress.js';
import { complain, plain, say } from '../output/words.js';
import { failureOf, withServer } from '../server.js';

export interface TestOptions extends LimitOptions {
  readonly url: string;
  readonly tests?: boolean;
  readonly keep?: boolean;
  readonly keepOutput?: string;
  readonly json?: unknown;
}

/** Runs a solution of a server there. @returns the exit code */
export function test(id: string, command: readonly string[], options: TestOptions): Promise<number> {
  return withServer(options.url, (client) => testOn(client, id, command, options));
}

async function testOn(
  client: SandboxClient,
  id: string,
  command: readonly string[],
  options: TestOptions,
): Promise<number> {
  const progress = new Progress();
  progress.show('Preparing');
  const pipes = new Pipes();
  let stop = (): void => {};
  using interrupts = new Interrupts(
    () => stop(),
    () => {
      progress.clear();
      complain('Left at once; the sandbox may still be on the server.');
      process.exit(interrupts.exitCode ?? exitCodes.notRun);
    },
  );
  pipes.closed.addEventListener('abort', () => stop());
  try {
    const sandbox = await client.sandboxes.open(id, requestOf(options));
    stop = () => void sandbox.stop().catch((error: unknown) => complain(sentenceOn(error, options)));
    const slips = sandbox.notes.filter(isOnUnknownField);
    if (slips.length > 0) progress.clear();
    for (const note of slips) say(plain(note), 'yellow');
    if (slips.length > 0) progress.show('Preparing');
    try {
      if (interrupts.exitCode !== null) return interrupts.exitCode;
      const execution = await (command.length > 0
        ? sandbox.commands.start(command)
        : sandbox.start({ test: options.tests === true }));
      if (interrupts.exitCode !== null || pipes.closed.aborted) stop(); // it may not have run yet when it was to be stopped
      await show(client, execution, options.json === undefined ? pipes : null, progress);
      progress.clear();
      const result = await client.wire.persistentCall('get', '/api/ergon/sandbox/results/{sandbox_id}', {
        path: { sandbox_id: sandbox.id },
        query: { execution_id: execution.executionId, wait: 15 },
      });
      if (options.json !== undefined) await pipes.write('stdout', `${JSON.stringify(result)}\n`);
      if (!pipes.closed.aborted) tell(result.errors, options);
      if (options.keepOutput !== undefined) await keepOutput(await filesOf(sandbox, execution), options.keepOutput);
      if (pipes.closed.aborted) return exitCodes.brokenPipe;
      return exitCodeOf({ cause: result.cause, exitCode: result.exit_code }, interrupts.exitCode);
    } finally {
      if (options.keep === true) say(`The sandbox ${sandbox.id} is kept.`);
      else await remove(client, sandbox, options);
    }
  } finally {
    progress.clear();
  }
}

/** How the run ended is not changed by it: a sandbox that could not be removed goes once it has rested for long. */
async function remove({ wire }: SandboxClient, { id }: Sandbox, options: TestOptions): Promise<void> {
  const signal = AbortSignal.timeout(longestRemovalMs);
  try {
    await wire.persistentCall('delete', '/api/ergon/sandbox/{sandbox_id}', { path: { sandbox_id: id }, signal });
  } catch (error) {
    if (error instanceof SandboxApiError && error.status === 404) return; // the server has forgotten it
    const why = signal.aborted ? 'it has not answered for a minute.' : sentenceOn(error, options);
    say(`The sandbox ${plain(id)} may still be on the server: ${plain(why)}`, 'yellow');
  }
}

const longestRemovalMs = 60_000;

function sentenceOn(error: unknown, { url }: TestOptions): string {
  return (failureOf(error, url) ?? (error as Error)).message;
}

/** What it writes, byte for byte, as it comes and over connections that break. */
async function show(
  client: SandboxClient,
  { executionId }: Execution,
  pipes: Pipes | null,
  progress: Progress,
): Promise<void> {
  const preparation = new Preparation(progress);
  for await (const event of client.wire.events(executionId, { raw: true })) {
    if (event.type !== 'data') preparation.take(event);
    else if (pipes !== null) {
      progress.clear();
      await pipes.write(event.stream, Buffer.from(event.data, 'base64'));
    }
  }
}

function tell(errors: readonly string[], { json }: TestOptions): void {
  for (const sentence of json === undefined ? errorsToTell(errors) : errors) complain(plain(sentence));
}

async function filesOf(sandbox: Sandbox, { executionId }: Execution): Promise<LeftFile[]> {
  const output = sandbox.output(executionId);
  const read = (path: string) => async (): Promise<AsyncIterable<Uint8Array>> => output.readStream(path);
  return (await output.list()).map(({ path, mode }) => ({ path, mode: Number.parseInt(mode, 8), read: read(path) }));
}
