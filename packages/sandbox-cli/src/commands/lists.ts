import { table } from '../output/table.js';
import { withServer } from '../server.js';

interface ListOptions {
  readonly url: string;
  readonly json?: unknown;
}

export async function solutions(options: ListOptions & { limit: number; name?: string }): Promise<number> {
  const { limit, name } = options;
  const query = { type: 'solution', limit, ...(name !== undefined && { name }) };
  const { results } = await withServer(options.url, ({ wire }) =>
    wire.call('get', '/api/ergon/registry/search', { query }),
  );
  return print(options, results, () =>
    table(
      ['ID', 'NAME', 'VERSION', 'UPDATED'],
      results.map(({ id, name, version, updated }) => [id, name, version, updated]),
    ),
  );
}

export async function history(options: ListOptions & { limit: number; solution?: string }): Promise<number> {
  const { limit, solution } = options;
  const query = { limit, ...(solution !== undefined && { solution_id: solution }) };
  const rows = await withServer(options.url, ({ wire }) => wire.call('get', '/api/ergon/sandbox/history', { query }));
  return print(options, rows, () =>
    table(
      ['EXECUTION', 'SOLUTION', 'STATUS', 'EXIT', 'SECONDS', 'STARTED', 'PROVIDER'],
      rows.map((row) => [
        row.execution_id,
        row.solution_id,
        row.status,
        String(row.exit_code ?? '-'),
        row.execution_time?.toFixed(2) ?? '-',
        row.started,
        row.provider,
      ]),
    ),
  );
}

export async function providers(options: ListOptions): Promise<number> {
  const answer = await withServer(options.url, ({ wire }) => wire.call('get', '/api/ergon/sandbox/providers', {}));
  return print(options, answer, () =>
    table(
      ['PROVIDER', 'AVAILABLE', 'DEFAULT', 'WHY NOT'],
      Object.entries(answer).map(([name, { available, is_default, reason }]) => [
        name,
        available ? 'yes' : 'no',
        is_default ? 'yes' : '',
        reason ?? '',
      ]),
    ),
  );
}

function print(options: ListOptions, answer: unknown, text: () => string): number {
  process.stdout.write(options.json === undefined ? text() : `${JSON.stringify(answer)}\n`);
  return 0;
}
