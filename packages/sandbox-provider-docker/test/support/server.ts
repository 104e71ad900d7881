import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type {
  ExecuteOptions,
  ExecutionEnd,
  OutputChunk,
  ProviderPorts,
  Report,
  SandboxConfig,
  SandboxLimits,
} from '@ergon/sandbox-core';
import { newInstanceId, silentLogger } from '@ergon/sandbox-core';
import { dockerOptions, DockerProvider, type DockerOptions } from '../../src/index.js';
import { leftovers } from './engine.js';

const MiB = 1 << 20;
export const BUSYBOX = 'ergon-test/busybox:1';
export const DEBIAN = 'ergon-test/debian:1';

const defaults: SandboxLimits = {
  memoryBytes: 256 * MiB,
  cpus: 2,
  pids: 64,
  diskBytes: 64 * MiB,
  openFiles: 256,
  fileBytes: 64 * MiB,
  outputBytes: 64 * MiB,
  timeoutMs: 20_000,
};

export interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly chunks: readonly OutputChunk[];
  readonly reports: readonly Report[];
  readonly end: ExecutionEnd;
  readonly wallMs: number;
}

/** A server's part of a test: a provider on the engine of the tests. */
export class TestServer {
  readonly instanceId = newInstanceId();
  readonly home = mkdtempSync(join(tmpdir(), 'ergon-docker-test-'));
  readonly provider: DockerProvider;

  constructor(options: Partial<DockerOptions> = {}, ports: Partial<ProviderPorts> = {}) {
    this.provider = new DockerProvider(
      dockerOptions.parse({
        images: { default: BUSYBOX, shell: BUSYBOX, python: DEBIAN, node: DEBIAN },
        pull: { policy: 'never' }, // no test asks a registry that is not its own
        ...options,
      }),
      { logger: silentLogger, stateDir: join(this.home, 'sandboxes'), ...ports },
    );
  }

  solution(files: Readonly<Record<string, string>>): string {
    const folder = join(this.home, 'solutions', randomUUID());
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text, { mode: 0o444 });
    }
    return folder;
  }

  config(limits: Partial<SandboxLimits> = {}, more: Partial<SandboxConfig> = {}): SandboxConfig {
    return {
      sandboxId: randomUUID(),
      instanceId: this.instanceId,
      ownerId: 'tester',
      limits: { ...defaults, ...limits },
      network: { mode: 'none' },
      environment: {},
      mounts: [],
      ...more,
    };
  }

  async sandbox(
    files: Readonly<Record<string, string>> = {},
    limits: Partial<SandboxLimits> = {},
    more: Partial<SandboxConfig> = {},
  ): Promise<TestSandbox> {
    const config = this.config(limits, more);
    await this.provider.prepare('solution', this.solution(files), config);
    return new TestSandbox(this, config);
  }

  /** One command in a sandbox of its own. */
  async run(
    command: readonly string[],
    limits: Partial<SandboxLimits> = {},
    files: Readonly<Record<string, string>> = {},
    more: Partial<SandboxConfig> = {},
  ): Promise<Run> {
    const sandbox = await this.sandbox(files, limits, more);
    try {
      return await sandbox.run(command);
    } finally {
      await sandbox.cleanup();
    }
  }

  leftovers(): Promise<string[]> {
    return leftovers(this.instanceId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider[Symbol.asyncDispose]();
    rmSync(this.home, { recursive: true });
  }
}

export class TestSandbox {
  constructor(
    readonly server: TestServer,
    readonly config: SandboxConfig,
  ) {}

  get id(): string {
    return this.config.sandboxId;
  }

  async run(
    command: readonly string[],
    options: Partial<ExecuteOptions> & { onChunk?: (chunk: OutputChunk) => void } = {},
  ): Promise<Run> {
    const chunks: OutputChunk[] = [];
    const reports: Report[] = [];
    const started = performance.now();
    const { onChunk, ...rest } = options;
    const execute = {
      timeoutMs: this.config.limits.timeoutMs,
      report: (report: Report) => reports.push(report),
      ...rest,
    };
    for await (const chunk of this.server.provider.execute(this.id, command, execute)) {
      chunks.push(chunk);
      onChunk?.(chunk);
    }
    const wallMs = performance.now() - started;
    const text = (stream: string): string =>
      Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ data }) => data)).toString();
    const end = await this.server.provider.getResult(this.id);
    return { stdout: text('stdout'), stderr: text('stderr'), chunks, reports, end, wallMs };
  }

  sh(script: string, options: Partial<ExecuteOptions> = {}): Promise<Run> {
    return this.run(['sh', '-c', script], options);
  }

  cleanup(): Promise<boolean> {
    return this.server.provider.cleanup(this.id);
  }
}
