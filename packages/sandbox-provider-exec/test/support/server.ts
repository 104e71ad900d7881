import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type {
  ExecuteOptions,
  ExecutionEnd,
  OutputChunk,
  Report,
  SandboxConfig,
  SandboxLimits,
} from '@ergon/sandbox-core';
import { newInstanceId, silentLogger } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '../../src/provider.js';
import { leftovers } from './leftovers.js';

export const isRoot = process.getuid?.() === 0;
/**
 * Which control groups a server that these tests start has to find: root those of the machine; an ordinary user those of v2 only, where its own
 * group or a systemd of its own gives it some.
 */
export const cgroups: 'v1' | 'v2' | 'none' = (() => {
  const v2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
  if (isRoot) return v2 ? 'v2' : 'v1';
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  const given = [`/sys/fs/cgroup${own}/cgroup.procs`, `/run/user/${process.getuid?.()}/systemd/private`].some(
    (path) => {
      try {
        accessSync(path, constants.W_OK);
        return true;
      } catch {
        return false;
      }
    },
  );
  return v2 && given ? 'v2' : 'none';
})();
/** What a kill at the memory limit is proven by. */
export const memoryEvidence = {
  v1: /^oom_kill [1-9]\d* in memory.oom_control$/,
  v2: /^oom [1-9]\d*, oom_kill [1-9]\d* in memory.events$/,
  none: /bytes in use/,
}[cgroups];
const MiB = 1 << 20;

const defaults: SandboxLimits = {
  memoryBytes: 512 * MiB,
  cpus: 2,
  pids: 64,
  diskBytes: 64 * MiB,
  openFiles: 256,
  fileBytes: 64 * MiB,
  outputBytes: 64 * MiB,
  timeoutMs: 60_000,
};

export interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly chunks: readonly OutputChunk[];
  readonly reports: readonly Report[];
  readonly end: ExecutionEnd;
  readonly wallMs: number;
}

/** A server's part of a test: a provider with its data below a home that only it may enter. */
export class TestServer {
  readonly instanceId = newInstanceId();
  readonly home = mkdtempSync(join(isRoot ? tmpdir() : (process.env.HOME ?? tmpdir()), 'ergon-exec-test-'));
  readonly stateDir: string;
  readonly provider: SandboxExecProvider;
  readonly sandboxIds: string[] = [];

  constructor(dataFolder = 'data') {
    chmodSync(this.home, 0o700);
    this.stateDir = join(this.home, dataFolder, 'sandboxes');
    this.provider = new SandboxExecProvider({ logger: silentLogger, stateDir: this.stateDir });
  }

  solution(files: Readonly<Record<string, string>>): string {
    const folder = join(this.home, 'data', 'solutions', randomUUID());
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text, { mode: 0o444 });
    }
    return folder;
  }

  config(limits: Partial<SandboxLimits> = {}, more: Partial<SandboxConfig> = {}): SandboxConfig {
    const sandboxId = randomUUID();
    this.sandboxIds.push(sandboxId);
    return {
      sandboxId,
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
  ): Promise<TestSandbox> {
    const config = this.config(limits);
    await this.provider.prepare('solution', this.solution(files), config);
    return new TestSandbox(this, config);
  }

  /** One command in a sandbox of its own. */
  async run(
    command: readonly string[],
    limits: Partial<SandboxLimits> = {},
    files: Readonly<Record<string, string>> = {},
  ): Promise<Run> {
    const sandbox = await this.sandbox(files, limits);
    try {
      return await sandbox.run(command);
    } finally {
      await sandbox.cleanup();
    }
  }

  leftovers(): string[] {
    return leftovers(this.instanceId, this.sandboxIds, this.stateDir);
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
