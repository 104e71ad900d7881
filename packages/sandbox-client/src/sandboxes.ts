import type { Status } from './events/event.js';
import type { Context, SignalOption } from './execution.js';
import { limitFields } from './limits.js';
import type { LimitOptions } from './limits.js';
import { Sandbox } from './sandbox.js';

export interface OpenOptions extends SignalOption, LimitOptions {
  readonly provider?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly network?: 'none' | 'full' | { readonly allow: readonly string[] } | { readonly name: string };
  /** A container's. */
  readonly image?: string;
  readonly runtime?: string;
  /** Names of the solution's volumes, which outlive the sandbox: `/volumes/NAME`. */
  readonly volumes?: readonly string[];
  readonly gpus?: number | { readonly ids: readonly string[] };
  /** Refuse a stand-in for the named provider, and limits that are best effort. */
  readonly strict?: boolean;
}

export interface SandboxSummary {
  readonly sandboxId: string;
  readonly solutionId: string;
  readonly status: Status;
  readonly provider: string;
  /** ISO 8601, UTC. */
  readonly started: string;
}

/** The sandboxes of a server. */
export class Sandboxes {
  readonly #context: Context;

  /** @internal */
  constructor(context: Context) {
    this.#context = context;
  }

  /** Opens a sandbox for a solution. @throws SandboxApiError SANDBOX001, 002, 005, 008, 009 */
  async open(solutionId: string, { signal, ...options }: OpenOptions = {}): Promise<Sandbox> {
    const { timeout, memoryLimit, cpuLimit, diskLimit, pidsLimit, outputLimit, ...same } = options;
    const fields = {
      ...same,
      ...limitFields({ timeout, memoryLimit, cpuLimit, diskLimit, pidsLimit, outputLimit }),
      solution_id: solutionId,
    };
    const given = JSON.parse(JSON.stringify(fields)) as { solution_id: string }; // without those that are undefined
    const answer = await this.#context.http.call('post', '/api/ergon/sandbox/test', { body: given, signal });
    const { sandbox_id: id, provider, selection } = answer;
    return new Sandbox(this.#context, { id, provider, notes: selection.notes });
  }

  /** One that was opened before; where it was removed, its results are still there. @throws SandboxApiError SANDBOX006 */
  async connect(sandboxId: string, { signal }: SignalOption = {}): Promise<Sandbox> {
    const path = { sandbox_id: sandboxId };
    const known = await this.#context.http.call('get', '/api/ergon/sandbox/results/{sandbox_id}', { path, signal });
    return new Sandbox(this.#context, { id: sandboxId, provider: known.metrics.provider, notes: [] });
  }

  async list({ signal }: SignalOption = {}): Promise<SandboxSummary[]> {
    const rows = await this.#context.http.call('get', '/api/ergon/sandbox/active', { signal });
    return rows.map(({ sandbox_id: sandboxId, solution_id: solutionId, status, provider, started }) => ({
      sandboxId,
      solutionId,
      status,
      provider,
      started,
    }));
  }
}
