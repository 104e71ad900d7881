import type { Context, SignalOption } from './execution.js';

/** A folder of a solution that outlives its sandboxes, in which it is found at `/volumes/NAME`. */
export interface Volume {
  readonly solutionId: string;
  readonly name: string;
  /** Who keeps it. */
  readonly provider: string;
  /** What it takes of the disk, in bytes. Null: not known. */
  readonly size: number | null;
  /** What it may take, in bytes. Null: without a limit. */
  readonly limit: number | null;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** A sandbox has it. */
  readonly inUse: boolean;
}

/** The volumes that the solutions of a server have. */
export class Volumes {
  readonly #context: Context;

  /** @internal */
  constructor(context: Context) {
    this.#context = context;
  }

  /** By solution and name, with their sizes as they are now. @throws SandboxApiError SANDBOX001 where a provider that keeps some is down */
  async list({ solutionId, signal }: SignalOption & { readonly solutionId?: string } = {}): Promise<Volume[]> {
    const query = { ...(solutionId !== undefined && { solution_id: solutionId }) };
    const rows = await this.#context.http.call('get', '/api/ergon/sandbox/volumes', { query, signal });
    return rows.map(({ solution_id, in_use, name, provider, size, limit, created }) => ({
      solutionId: solution_id,
      name,
      provider,
      size,
      limit,
      created,
      inUse: in_use,
    }));
  }

  /** With all that it holds. @throws SandboxApiError SANDBOX012 (there is none), SANDBOX007 (a sandbox has it) */
  async remove(solutionId: string, name: string, { signal }: SignalOption = {}): Promise<void> {
    const path = { solution_id: solutionId, name };
    await this.#context.http.call('delete', '/api/ergon/sandbox/volumes/{solution_id}/{name}', { path, signal });
  }
}
