import { exitCodeOf } from '../exit-code.js';
import { exitCodes } from '../failure.js';
import { Interrupts } from '../interrupts.js';
import { wireRequestOf } from '../limits.js';
import type { LimitOptions } from '../limits.js';
import { errorsToTell } from '../output/errors.js';
import { Pipes } from '../output/pipe.js';
import { Progress } from '../output/progress.js';
import { complain, plain, say } from '../output/words.js';
import type { ResultAnswer } from '../server/answers.js';
import { Server } from '../server/server.js';

export interface TestOptions extends LimitOptions {
  readonly url: string;
  readonly tests?: boolean;
  readonly keep?: boolean;
  readonly json?: unknown;
}

/** Runs a solution of a server there. @returns the exit code */
export async function test(id: string, command: readonly string[], options: TestOptions): Promise<number> {
  const server = new Server(options.url);
  const progress = new Progress();
  progress.show('Preparing');
  const pipes = new Pipes();
  let sandboxId: string | null = null;
  const stop = (): void => {
    if (sandboxId === null) return;
    void server
      .json('POST', `/sandbox/${sandboxId}/stop`)
      .catch((error: unknown) => complain((error as Error).message));
  };
  using interrupts = new Interrupts(stop, () => {
    progress.clear();
    complain('Left at once; the sandbox may still be on the server.');
    process.exit(interrupts.exitCode ?? exitCodes.notRun);
  });
  pipes.closed.addEventListener('abort', stop);
  try {
    const body = { solution_id: id, ...wireRequestOf(options) };
    const opened = await server.json<{ sandbox_id: string }>('POST', '/sandbox/test', { body });
    sandboxId = opened.sandbox_id;
    try {
      if (interrupts.exitCode !== null) return interrupts.exitCode;
      const wish = { ...(command.length > 0 && { command }), ...(options.tests === true && { test: true }) };
      const stream = await server.send('POST', '/sandbox/execute', {
        body: { sandbox_id: sandboxId, raw: true, ...wish },
      });
      await show(server, stream, options.json === undefined ? pipes : null, progress);
      progress.clear();
      const result = await server.json<ResultAnswer>('GET', `/sandbox/results/${sandboxId}`, { query: { wait: 30 } });
      if (options.json !== undefined) await pipes.write('stdout', `${JSON.stringify(result)}\n`);
      if (pipes.closed.aborted) return exitCodes.brokenPipe;
      const errors = options.json === undefined ? errorsToTell(result.errors) : result.errors;
      for (const sentence of errors) complain(plain(sentence));
      return exitCodeOf({ cause: result.cause, exitCode: result.exit_code }, interrupts.exitCode);
    } finally {
      if (options.keep === true) say(`The sandbox ${sandboxId} is kept.`);
      else await server.json('DELETE', `/sandbox/${sandboxId}`);
    }
  } finally {
    progress.clear();
  }
}

/** Bytes of server-sent events, to where they belong. */
async function show(server: Server, response: Response, pipes: Pipes | null, progress: Progress): Promise<void> {
  for await (const line of server.lines(response)) {
    if (!line.startsWith('data: ') || pipes === null) continue;
    const event = JSON.parse(line.slice('data: '.length)) as { stream?: 'stdout' | 'stderr'; data?: string };
    if (event.stream === undefined || event.data === undefined) continue;
    progress.clear();
    await pipes.write(event.stream, Buffer.from(event.data, 'base64'));
  }
}
