import type { Status } from './events/event.js';
import type { Context, SignalOption } from './execution.js';
import type { components } from './wire/openapi.js';

export interface NewUnit {
  /** Stores under this id, in place of what is there. */
  readonly id?: string;
  /** @default 'solution' */
  readonly type?: string;
  readonly name: string;
  readonly version: string;
  /** As a solution's document has it, e.g. `{ code, main_file }`. */
  readonly content: Readonly<Record<string, unknown>>;
}

export interface Unit {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly content: Readonly<Record<string, unknown>>;
  readonly meetsStandards: boolean;
  readonly lineage: readonly string[];
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly updated: string;
}

export interface TestResult {
  readonly executionId: string;
  /** ISO 8601, UTC. */
  readonly timestamp: string;
  readonly status: Status;
  readonly exitCode: number | null;
  /** Seconds. */
  readonly executionTime: number | null;
  readonly provider: string;
  readonly errors: readonly string[];
}

export interface SearchOptions extends SignalOption {
  readonly type?: string;
  readonly name?: string;
  readonly limit?: number;
  readonly meetsStandards?: boolean;
}

/** The registry that the server tests from. */
export class Solutions {
  readonly #context: Context;

  /** @internal */
  constructor(context: Context) {
    this.#context = context;
  }

  async store(
    { type = 'solution', ...unit }: NewUnit,
    { signal }: SignalOption = {},
  ): Promise<{ readonly id: string }> {
    const body = { type, ...unit, content: { ...unit.content } };
    const { id } = await this.#context.http.call('post', '/api/ergon/registry/store', { body, signal });
    return { id };
  }

  /** With its last ten test results, the newest last. @throws SandboxApiError SANDBOX002 */
  async get(
    id: string,
    { signal }: SignalOption = {},
  ): Promise<Unit & { readonly testResults: readonly TestResult[] }> {
    const unit = await this.#context.http.call('get', '/api/ergon/registry/{id}', { path: { id }, signal });
    const testResults = unit.test_results.map((result) => ({
      executionId: result.execution_id,
      timestamp: result.timestamp,
      status: result.status,
      exitCode: result.exit_code,
      executionTime: result.execution_time,
      provider: result.provider,
      errors: result.errors,
    }));
    return { ...unitOf(unit), testResults };
  }

  async search({ type, name, limit, meetsStandards, signal }: SearchOptions = {}): Promise<Unit[]> {
    const query = {
      ...(type !== undefined && { type }),
      ...(name !== undefined && { name }),
      ...(limit !== undefined && { limit }),
      ...(meetsStandards !== undefined && { meets_standards: meetsStandards }),
    };
    const { results } = await this.#context.http.call('get', '/api/ergon/registry/search', { query, signal });
    return results.map(unitOf);
  }

  /** @throws SandboxApiError SANDBOX002; status 409 where other units depend on it */
  async remove(id: string, { signal }: SignalOption = {}): Promise<void> {
    await this.#context.http.call('delete', '/api/ergon/registry/{id}', { path: { id }, signal });
  }
}

function unitOf(wire: components['schemas']['StoredUnit']): Unit {
  const { id, type, name, version, content, meets_standards: meetsStandards, lineage, created, updated } = wire;
  return { id, type, name, version, content, meetsStandards, lineage, created, updated };
}
