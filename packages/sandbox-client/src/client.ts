import type { SandboxEvent, Status } from './events/event.js';
import { follow } from './events/follow.js';
import type { FollowOptions } from './events/follow.js';
import type { Context, SignalOption } from './execution.js';
import { Http } from './http.js';
import type { ReconnectOptions } from './retry.js';
import { Sandboxes } from './sandboxes.js';
import { Solutions } from './solutions.js';
import { Volumes } from './volumes.js';
import { Wire } from './wire/wire.js';

export interface SandboxClientOptions {
  /** @default ERGON_SANDBOX_URL; on a page its own origin; else `http://localhost:8102` */
  readonly baseUrl?: string;
  /** @default ERGON_SANDBOX_TOKEN */
  readonly token?: string;
  /** @default the global one */
  readonly fetch?: typeof globalThis.fetch;
  readonly reconnect?: ReconnectOptions;
}

export interface ProviderStatus {
  readonly available: boolean;
  readonly isDefault: boolean;
  /** Why it is not available, and what to do. */
  readonly reason: string | undefined;
  /** As the server tells them; null: not known. */
  readonly capabilities: Readonly<Record<string, unknown>> | null;
}

export interface HistoryRow {
  readonly executionId: string;
  readonly sandboxId: string;
  readonly solutionId: string;
  readonly status: Status;
  readonly exitCode: number | null;
  /** ISO 8601, UTC. */
  readonly started: string;
  /** Seconds. */
  readonly executionTime: number | null;
  readonly provider: string;
}

export interface HistoryOptions extends SignalOption {
  readonly solutionId?: string;
  /** @default 50 */
  readonly limit?: number;
  /** An execution's id, or a time. */
  readonly before?: string;
}

/**
 * A server of Ergon Sandbox.
 *
 * @example
 * const client = new SandboxClient({ baseUrl: 'http://localhost:8102' });
 * await using sandbox = await client.sandboxes.open('hello-python');
 * const { stdout } = await sandbox.commands.run('python main.py');
 */
export class SandboxClient {
  readonly sandboxes: Sandboxes;
  readonly solutions: Solutions;
  readonly volumes: Volumes;
  readonly wire: Wire;
  readonly #context: Context;

  constructor(options: SandboxClientOptions = {}) {
    const { baseUrl = defaultUrl(), token = variable('ERGON_SANDBOX_TOKEN'), reconnect = {} } = options;
    // A browser's fetch refuses to be called as a method of anything but its window.
    const globalFetch: typeof fetch = (...call) => globalThis.fetch(...call);
    this.#context = {
      http: new Http({ baseUrl, token, fetch: options.fetch ?? globalFetch }),
      reconnect: { silenceMs: 30_000, giveUpMs: 120_000, ...reconnect },
    };
    this.sandboxes = new Sandboxes(this.#context);
    this.solutions = new Solutions(this.#context);
    this.volumes = new Volumes(this.#context);
    this.wire = new Wire(this.#context);
  }

  /** The events of an execution, by its id: also of one that has long ended. @throws SandboxApiError SANDBOX006; status 410: no longer kept */
  events(executionId: string, options: FollowOptions = {}): AsyncGenerator<SandboxEvent, void, undefined> {
    return follow(this.#context.http, this.#context.reconnect, executionId, options);
  }

  /** Executions, newest first. */
  async history({ solutionId, limit, before, signal }: HistoryOptions = {}): Promise<HistoryRow[]> {
    const query = {
      ...(solutionId !== undefined && { solution_id: solutionId }),
      ...(limit !== undefined && { limit }),
      ...(before !== undefined && { before }),
    };
    const rows = await this.#context.http.call('get', '/api/ergon/sandbox/history', { query, signal });
    return rows.map((row) => ({
      executionId: row.execution_id,
      sandboxId: row.sandbox_id,
      solutionId: row.solution_id,
      status: row.status,
      exitCode: row.exit_code,
      started: row.started,
      executionTime: row.execution_time,
      provider: row.provider,
    }));
  }

  /** What each provider can do on the server, by its name. */
  async providers({ signal }: SignalOption = {}): Promise<Record<string, ProviderStatus>> {
    const providers = await this.#context.http.call('get', '/api/ergon/sandbox/providers', { signal });
    return Object.fromEntries(
      Object.entries(providers).map(([name, { available, is_default: isDefault, reason, capabilities }]) => [
        name,
        { available, isDefault, reason, capabilities },
      ]),
    );
  }

  async health({ signal }: SignalOption = {}): Promise<{
    readonly status: 'healthy' | 'unhealthy';
    readonly providers: Readonly<Record<string, boolean>>;
  }> {
    const { status, providers } = await this.#context.http.call('get', '/api/ergon/sandbox/health', { signal });
    return { status, providers };
  }
}

/** Of the environment, where there is one. */
function variable(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  const value = process?.env?.[name];
  return value === '' ? undefined : value;
}

function defaultUrl(): string {
  const { location } = globalThis as { location?: { origin: string } };
  return variable('ERGON_SANDBOX_URL') ?? location?.origin ?? 'http://localhost:8102';
}
