import { Failure } from '../failure.js';
import { Pipes } from '../output/pipe.js';
import { complain, plain } from '../output/words.js';
import type { HistoryRow, LoggedEvent } from '../server/answers.js';
import { Server } from '../server/server.js';

/** Prints what an execution wrote: the server gives its events one a line, until it has ended. */
export async function logs(
  executionId: string,
  options: { url: string; follow?: boolean; json?: unknown },
): Promise<number> {
  const server = new Server(options.url);
  const pipes = new Pipes();
  const path = `/sandbox/executions/${encodeURIComponent(executionId)}/events`;
  if (options.follow !== true && (await isRunning(server, executionId))) {
    throw new Failure(`The execution ${executionId} is running.`, 'Follow it to its end with -f.');
  }
  const response = await server.send('GET', path, { signal: pipes.closed });
  for await (const line of server.lines(response)) {
    if (pipes.closed.aborted) break;
    const text = line.replace(/,$/, '');
    if (!text.startsWith('{')) continue; // the brackets of the array
    if (options.json === undefined) await print(pipes, JSON.parse(text) as LoggedEvent);
    else await pipes.write('stdout', `${text}\n`);
  }
  return 0;
}

async function isRunning(server: Server, executionId: string): Promise<boolean> {
  const rows = await server.json<readonly HistoryRow[]>('GET', '/sandbox/history', { query: { limit: 1000 } });
  return rows.some((row) => row.execution_id === executionId && row.status === 'running');
}

async function print(
  pipes: Pipes,
  { type, line = '', stream = 'stdout', partial, message }: LoggedEvent,
): Promise<void> {
  const text = line.replace(/^\[std(out|err)\] /, '');
  if (type === 'output') await pipes.write(stream, partial === true ? text : `${text}\n`);
  else if (type === 'error') complain(plain(message ?? ''));
}
