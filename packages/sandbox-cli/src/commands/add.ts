import { Failure } from '../failure.js';
import type { LimitOptions } from '../limits.js';
import { plain, say } from '../output/words.js';
import { withServer } from '../server.js';
import { readSolution } from '../solution.js';
import type { SolutionUnit } from '../solution.js';
import { runFolder } from './run.js';

export interface AddOptions extends LimitOptions {
  readonly url: string;
  readonly run: boolean;
  readonly tests?: boolean;
  readonly id?: string;
  readonly json?: unknown;
}

/** Puts a folder on a server as a solution, once it has run here and exited with 0. */
export function add(path: string, options: AddOptions): Promise<number> {
  const { json, ...rest } = options;
  return withServer(options.url, async ({ wire }) => {
    const { unit, notes } = options.run ? await ran(path, rest) : await read(path);
    const body = { ...unit, ...(options.id !== undefined && { id: options.id }) };
    const answer = await wire.call('post', '/api/ergon/registry/store', { body });
    const warnings = (answer.warnings ?? []).filter((warning) => !notes.includes(warning));
    for (const warning of warnings) say(plain(warning), 'yellow');
    if (json === undefined) say(`Stored as "${plain(answer.id)}".`, 'green');
    process.stdout.write(json === undefined ? `${answer.id}\n` : `${JSON.stringify(answer)}\n`);
    return 0;
  });
}

async function read(path: string): Promise<{ unit: SolutionUnit; notes: readonly string[] }> {
  const { unit } = await readSolution(path, true);
  return { unit, notes: [] };
}

async function ran(path: string, options: Omit<AddOptions, 'json'>): ReturnType<typeof runFolder> {
  // Its output is not ours: stdout is for the id.
  const result = await runFolder(path, [], { ...options, outputTo: 'stderr' });
  if (result.code === 0) return result;
  throw new Failure(
    `It was not added, because it ended with exit code ${result.code}.`,
    'Give --no-run to add it nonetheless.',
    result.code,
  );
}
