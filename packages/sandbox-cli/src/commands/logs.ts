import { Failure } from '../failure.js';
import { Pipes } from '../output/pipe.js';
import { complain, plain } from '../output/words.js';
import type { HistoryRow, LoggedEvent, ResultAnswer } from '../server/answers.js';
import { Server } from '../server/server.js';

/** Prints what an execution wrote: the server gives its events one a line, until it has ended. */
export async function logs(
  executionId: string,
  options: { url: string; follow?: boolean; json?: unknown },
): Promise<number> {
  const server = new Server(options.url);
  const pipes = new Pipes();
  const path = `/sandbox/executions/${encodeURIComponent(executionId)}/events`;
  const running = options.follow === true ? undefined : await runningRow(server, executionId);
  if (running !== undefined) return await printSoFar(server, running, pipes, options.json !== undefined);
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

async function runningRow(server: Server, executionId: string): Promise<HistoryRow | undefined> {
  const rows = await server.json<readonly HistoryRow[]>('GET', '/sandbox/history', { query: { limit: 1000 } });
  return rows.find((row) => row.execution_id === executionId && row.status === 'running');
}

/** The events of one that runs have no end, so that its result is asked for, which is what there is by now. */
async function printSoFar(server: Server, row: HistoryRow, pipes: Pipes, asJson: boolean): Promise<number> {
  if (asJson) throw new Failure('The execution is running.', 'Follow its events to their end with -f.');
  const query = { execution_id: row.execution_id };
  const result = await server.json<ResultAnswer>('GET', `/sandbox/results/${row.sandbox_id}`, { query });
  await pipes.write('stdout', result.stdout ?? '');
  await pipes.write('stderr', result.stderr ?? '');
  return 0;
}

async function print(
  pipes: Pipes,
  { type, line = '', stream = 'stdout', partial, message }: LoggedEvent,
): Promise<void> {
  const text = line.replace(/^\[std(out|err)\] /, '');
  if (type === 'output') await pipes.write(stream, partial === true ? text : `${text}\n`);
  else if (type === 'error') complain(plain(message ?? ''));
}
