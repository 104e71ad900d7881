import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contract } from './contract.js';
import { leftovers } from './leftovers.js';
import { until } from './until.js';

/** An ordered end that takes longer has failed. */
const stuckMs = 30_000;
/** The built application. */
export const main = join(__dirname, '../../api/dist/main.js');

/** The fields of the wire's answers that tests look at; expectations say which of them are there. */
export interface Body {
  readonly at: number;
  readonly cause: string;
  readonly code: string;
  readonly data: string;
  readonly detail: string;
  readonly done: boolean;
  readonly execution_id: string;
  readonly exit_code: number | null;
  readonly field: string;
  readonly id: string;
  readonly limits: Readonly<Record<string, number>>;
  readonly limits_hit: readonly { readonly limit: string; readonly value: number }[];
  readonly line: string;
  readonly partial: boolean;
  readonly results: readonly Body[];
  readonly sandbox_id: string;
  readonly status: string;
  readonly stdout: string | null;
  readonly stream: string;
  readonly ticket: string;
  readonly test_results: readonly Body[];
  readonly type: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body; undefined for an empty one. */
  readonly body: Body;
}

export interface LogLine {
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface ServerOptions {
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** The built server, started as a user would, as a process of its own on a free port. */
export class TestServer {
  static readonly #all = new Set<TestServer>();
  readonly dataDir: string;
  readonly process: ChildProcess;
  url = '';
  #contract: Promise<Contract> | null = null;
  /** Of each call. */
  headers: Readonly<Record<string, string>> = {};
  #output = '';
  #errors = '';

  private constructor({ dataDir, env = {}, args = [] }: ServerOptions) {
    this.dataDir = dataDir ?? mkdtempSync(join(tmpdir(), 'ergon-api-e2e-'));
    const { PATH, HOME } = process.env;
    this.process = spawn(process.execPath, [main, ...args], {
      // No engine is found by accident: on a machine that runs one, the tests would go another way.
      env: {
        PATH,
        HOME,
        DOCKER_HOST: 'unix:///nowhere/docker.sock',
        ERGON_SANDBOX_PORT: '0',
        ERGON_SANDBOX_DATA_DIR: this.dataDir,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    this.process.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    TestServer.#all.add(this);
  }

  /** Resolves when it listens. */
  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const server = TestServer.launch(options);
    await until(() => server.ended || server.log.some((line) => line.message.startsWith('Listening on ')), 20_000);
    if (server.ended) throw new Error(`The server ended at its start: ${server.errors}`);
    server.url = String(server.log.find((line) => line.message.startsWith('Listening on '))?.url);
    return server;
  }

  /** Does not wait for anything. */
  static launch(options: ServerOptions = {}): TestServer {
    return new TestServer(options);
  }

  /** Ends what a failed test left. For afterEach or afterAll. */
  static async endAll(): Promise<void> {
    for (const server of TestServer.#all) {
      if (!server.ended) await server.stop();
      rmSync(server.dataDir, { recursive: true, force: true });
    }
    TestServer.#all.clear();
  }

  get ended(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** What it wrote to stderr. */
  get errors(): string {
    return this.#errors;
  }

  get output(): string {
    return this.#output;
  }

  /** Its log's whole lines. */
  get log(): readonly LogLine[] {
    return this.#output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** Ends it and waits for its end; one that has got stuck is killed. @returns its exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    if (!this.ended) {
      const exit = once(this.process, 'exit');
      this.process.kill(signal);
      const backstop = setTimeout(() => this.process.kill('SIGKILL'), stuckMs);
      await exit;
      clearTimeout(backstop);
    }
    return this.process.exitCode ?? this.process.signalCode;
  }

  /** What is on this machine of its sandboxes: none of it may be once it has ended. */
  leftovers(): string[] {
    return leftovers(this.dataDir);
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const response = await this.fetch(path, {
      method,
      headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...this.headers, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const { status } = response;
    const parsed: unknown = text === '' ? undefined : JSON.parse(text);
    const type = response.headers.get('content-type');
    (await this.contract()).check(method, path, { status, type, body: parsed });
    return { status, headers: response.headers, body: parsed as Body };
  }

  /** The answer as it comes, which its document tells of; so is its body, where that is JSON that comes in one piece. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(this.url + path, init);
    const { status, headers } = response;
    const type = headers.get('content-type');
    const method = init.method ?? 'GET';
    const whole = type?.includes('json') === true && headers.has('content-length') && method !== 'HEAD';
    const body: unknown = whole ? await response.clone().json() : undefined;
    (await this.contract()).check(method, path, { status, type, body });
    return response;
  }

  /** What it says of itself. */
  contract(): Promise<Contract> {
    this.#contract ??= Contract.of(this.url);
    return this.#contract;
  }

  /** Calls and expects 200. @returns the body. */
  async ok(method: string, path: string, body?: unknown): Promise<Body> {
    const answer = await this.call(method, path, body);
    expect({ path, ...answer, headers: undefined }).toMatchObject({ status: 200 });
    return answer.body;
  }

  /** The same for an answer that is a list. */
  async list(path: string): Promise<readonly Body[]> {
    const rows: unknown = await this.ok('GET', path);
    expect(rows).toBeInstanceOf(Array);
    return rows as readonly Body[];
  }

  /** Stores a solution and opens a sandbox for it. */
  async open(content: Record<string, unknown>, request: Record<string, unknown> = {}): Promise<string> {
    const { id } = await this.ok('POST', registry('/store'), { type: 'solution', name: 'test', version: '1', content });
    return (await this.ok('POST', sandbox('/test'), { solution_id: id, ...request })).sandbox_id;
  }

  /** The same for a shell script. */
  openShell(code: string, request: Record<string, unknown> = {}): Promise<string> {
    return this.open({ code, main_file: 'main.sh' }, request);
  }
}

export const sandbox = (path: string): string => `/api/ergon/sandbox${path}`;
export const registry = (path: string): string => `/api/ergon/registry${path}`;
