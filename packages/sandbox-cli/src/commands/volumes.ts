import { formatSize } from '@ergon/sandbox-core';
import { Failure } from '../failure.js';
import { table } from '../output/table.js';
import { plain } from '../output/words.js';
import { withServer } from '../server.js';
import type { VolumeAction } from '../volume-actions.js';

interface VolumesOptions {
  readonly url: string;
  readonly json?: unknown;
}

/** Lists the volumes of a server's solutions, or removes some of one. @returns the exit code */
export function volumes(
  action: VolumeAction,
  solutionId: string | undefined,
  names: readonly string[],
  options: VolumesOptions,
): Promise<number> {
  return action === 'list' ? list(solutionId, names, options) : remove(solutionId, names, options);
}

async function list(
  solutionId: string | undefined,
  names: readonly string[],
  { url, json }: VolumesOptions,
): Promise<number> {
  if (names.length > 0) throw new Failure('A list takes the id of a solution and nothing else.', null, 2);
  const query = { ...(solutionId !== undefined && { solution_id: solutionId }) };
  const rows = await withServer(url, ({ wire }) => wire.call('get', '/api/ergon/sandbox/volumes', { query }));
  const size = (bytes: number | null): string => (bytes === null ? '-' : formatSize(bytes));
  const text = (): string =>
    table(
      ['SOLUTION', 'VOLUME', 'SIZE', 'LIMIT', 'IN USE', 'CREATED', 'PROVIDER'],
      rows.map((row) => [
        row.solution_id,
        row.name,
        size(row.size),
        size(row.limit),
        row.in_use ? 'yes' : '',
        row.created,
        row.provider,
      ]),
    );
  process.stdout.write(json === undefined ? text() : `${JSON.stringify(rows)}\n`);
  return 0;
}

async function remove(
  solutionId: string | undefined,
  names: readonly string[],
  { url, json }: VolumesOptions,
): Promise<number> {
  if (solutionId === undefined || names.length === 0) {
    throw new Failure(
      'Which volume is to be removed?',
      'Name its solution and itself: ergon-sandbox volumes remove SOLUTION_ID NAME.',
      2,
    );
  }
  await withServer(url, async ({ volumes: there }) => {
    for (const name of names) {
      await there.remove(solutionId, name);
      if (json === undefined) process.stdout.write(`Removed ${plain(name)} of ${plain(solutionId)}\n`);
    }
  });
  if (json !== undefined) process.stdout.write(`${JSON.stringify({ success: true })}\n`);
  return 0;
}
