import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { ManagedSandboxProvider, unmeasuredUsage } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  ExecutionEnd,
  OutputChunk,
  OutputStream,
  PreparedSolution,
  ProviderCapabilities,
  ProviderPorts,
  ProviderProbe,
  ResourceUsage,
  SandboxProcess,
  SandboxTemplate,
} from '@ergon/sandbox-core';

/** Claims as little as can be. */
const capabilities: ProviderCapabilities = {
  isolation: 'none',
  platforms: ['linux/x64'],
  limits: {
    memory: 'none',
    cpu: 'none',
    pids: 'none',
    disk: 'none',
    'open-files': 'none',
    'file-size': 'none',
    output: 'none',
    'wall-time': 'none',
  },
  network: ['full'],
  stdin: false,
  tty: false,
  signals: false,
  files: false,
  usage: false,
  mounts: false,
  gpu: false,
  persistence: false,
  images: false,
  services: false,
  runtimes: [],
  machine: { cpus: null, memoryBytes: null, diskBytes: null },
  details: {},
};

/** Runs plain processes in a folder, without any wall: just enough of a provider for some tests of the suite. */
export class TinyProvider extends ManagedSandboxProvider<string> {
  readonly name = 'tiny';

  constructor(
    private readonly ports: ProviderPorts,
    /** Added to every exit code. */
    private readonly lie = 0,
  ) {
    super();
  }

  override async probe(): Promise<ProviderProbe> {
    return { available: true, capabilities };
  }

  protected override async open({ instanceId, sandboxId }: SandboxTemplate): Promise<string> {
    const folder = join(this.ports.stateDir, instanceId, sandboxId);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  protected override async place(folder: string, { path }: PreparedSolution): Promise<void> {
    await cp(path, folder, { recursive: true });
  }

  protected override async spawn(folder: string, { command, environment }: CommandSpec): Promise<SandboxProcess> {
    const [file = '', ...args] = command;
    const env = { PATH: '/usr/bin:/bin', ...environment };
    const child = spawn(file, args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    await once(child, 'spawn');
    const started = performance.now();
    const { pid = 0 } = child;
    const closed = once(child, 'close');
    return {
      output: both(child.stdout, child.stderr, started),
      write: async () => undefined,
      closeInput: async () => undefined,
      kill: async (signal) => {
        if (child.exitCode === null && child.signalCode === null) process.kill(-pid, signal);
      },
      gone: closed.then(() => undefined),
      ended: closed.then((): ExecutionEnd => {
        const { exitCode, signalCode: signal } = child;
        const common = { limitsHit: [], usage: unmeasuredUsage, reason: null };
        return exitCode === null
          ? { ...common, cause: 'signalled', exitCode: null, signal }
          : { ...common, cause: 'exited', exitCode: exitCode + this.lie, signal: null };
      }),
    };
  }

  protected override async measure(): Promise<ResourceUsage> {
    return unmeasuredUsage;
  }

  protected override async close(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true });
    await rmdir(dirname(folder)).catch(() => undefined); // another sandbox of the instance is there
  }
}

async function* both(stdout: Readable, stderr: Readable, started: number): AsyncGenerator<OutputChunk> {
  const chunks: OutputChunk[] = [];
  let open = 2;
  let wake: () => void = () => undefined;
  const listen = (source: Readable, stream: OutputStream): void => {
    source.on('data', (data: Uint8Array) => {
      chunks.push({ stream, data, at: performance.now() - started });
      wake();
    });
    source.on('close', () => {
      open--;
      wake();
    });
  };
  listen(stdout, 'stdout');
  listen(stderr, 'stderr');
  for (;;) {
    const chunk = chunks.shift();
    if (chunk !== undefined) yield chunk;
    else if (open === 0) return;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}
