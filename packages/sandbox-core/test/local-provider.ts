import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { ManagedSandboxProvider, hasErrorCode, resolveLimits, unmeasuredUsage } from '../src/index.js';
import type {
  CommandSpec,
  ExecutionEnd,
  OutputChunk,
  OutputStream,
  PreparedSolution,
  ProviderCapabilities,
  ProviderProbe,
  ResourceUsage,
  SandboxConfig,
  SandboxLimits,
  SandboxProcess,
  SandboxTemplate,
} from '../src/index.js';

export interface LocalBox {
  /** Its workspace. */
  readonly folder: string;
  readonly output: string;
}

export const localCapabilities: ProviderCapabilities = {
  isolation: 'namespaces',
  platforms: [`${process.platform}/${process.arch}`],
  limits: {
    memory: 'best-effort',
    cpu: 'best-effort',
    pids: 'best-effort',
    disk: 'best-effort',
    'open-files': 'best-effort',
    'file-size': 'best-effort',
    output: 'hard',
    'wall-time': 'hard',
  },
  network: ['none'],
  stdin: true,
  tty: false,
  signals: true,
  files: true,
  usage: true,
  mounts: false,
  gpu: false,
  persistence: false,
  images: false,
  services: false,
  runtimes: [],
  machine: { cpus: 2, memoryBytes: 8 * 1024 ** 3, diskBytes: null },
  details: {},
};

/** Of one box called `box`, by the defaults. */
export const boxConfig: SandboxConfig = {
  sandboxId: 'box',
  instanceId: 'i',
  ownerId: 'o',
  limits: resolveLimits({}, {}, {}).limits,
  network: { mode: 'none' },
  environment: {},
  mounts: [],
};

/** Runs real processes with no wall around them: for tests of the core, which is about what happens above the wall. */
export class LocalProvider extends ManagedSandboxProvider<LocalBox> {
  readonly name: string;
  protected override readonly sampleEveryMs = 20;
  probeResult: ProviderProbe = { available: true, capabilities: localCapabilities };
  probes = 0;
  /** Awaited by `open`: holds a preparation, or fails it. */
  gate: Promise<void> = Promise.resolve();
  /** Awaited between a program's end and the report of it. */
  settling: Promise<void> = Promise.resolve();
  /** Folders of boxes that are there. */
  readonly boxes = new Set<string>();
  failNextClose = false;
  /** What runs scripts of ours, in place of /bin/sh, and where it finds its tools. */
  helper: { readonly shell: readonly string[]; readonly path: string } | null = null;
  /** Of commands of ours that have not ended. */
  readonly assisting = new Set<SandboxProcess>();
  /** What writing to them fails with. */
  breakInput: Error | null = null;
  override filesDeadlineMs = 5000;
  /** What limits its boxes were given. */
  readonly limited: SandboxLimits[] = [];
  /** Awaited before a box has them. */
  limiting: Promise<void> = Promise.resolve();
  readonly reclaimed: (string | null)[] = [];
  /** Reclaiming throws, as where the technology is down. */
  down = false;

  constructor(name = 'local') {
    super();
    this.name = name;
  }

  probe(): Promise<ProviderProbe> {
    this.probes += 1;
    return Promise.resolve(this.probeResult);
  }

  override reclaim(instanceId: string | null): Promise<number> {
    if (this.down) return Promise.reject(new Error('it is down'));
    this.reclaimed.push(instanceId);
    return Promise.resolve(1);
  }

  protected async open(template: SandboxTemplate): Promise<LocalBox> {
    template.report?.({ type: 'phase', phase: 'opening' });
    await Promise.race([
      this.gate,
      new Promise((_, reject) => {
        template.signal?.addEventListener('abort', () => {
          reject(new Error('cancelled'));
        });
      }),
    ]);
    const folder = await mkdtemp(join(tmpdir(), 'local-box-'));
    this.boxes.add(folder);
    const output = `${folder}.output`;
    await mkdir(output);
    return { folder, output };
  }

  protected async place(box: LocalBox, solution: PreparedSolution): Promise<void> {
    await cp(solution.path, box.folder, { recursive: true });
  }

  protected spawn(box: LocalBox, run: CommandSpec): Promise<SandboxProcess> {
    const [file, ...args] = run.command as [string, ...string[]];
    const child = spawn(file, args, {
      cwd: box.folder,
      env: { PATH: process.env.PATH, OUTPUT_DIR: box.output, ...run.environment },
      detached: true,
      stdio: [run.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    child.stdin?.on('error', () => undefined); // told to the writer
    const started = performance.now();
    const { stdout, stderr } = child as { stdout: Readable; stderr: Readable } & typeof child;
    const chunks = merge({ stdout, stderr }, started);
    const gone = new Promise<void>((resolve) => {
      child.once('close', () => {
        resolve();
      });
    });
    const ended = new Promise<ExecutionEnd>((resolve) => {
      child.once('close', (code, signal) => {
        const end: ExecutionEnd = {
          outputEmpty: readdirSync(box.output).length === 0,
          cause: signal === null ? 'exited' : 'signalled',
          exitCode: code ?? (signal === null ? null : 128 + constants.signals[signal]),
          signal,
          limitsHit: [],
          usage: unmeasuredUsage,
          reason: null,
        };
        resolve(this.settling.then(() => end));
      });
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => {
        resolve({
          output: chunks,
          write: (data) =>
            new Promise((done, failed) => {
              child.stdin?.write(data, (error) => {
                if (error) failed(error);
                else done();
              });
            }),
          closeInput: () =>
            new Promise((done) => {
              child.stdin?.end(done);
            }),
          kill: (signal) => {
            try {
              process.kill(-(child.pid ?? 0), signal);
            } catch (error) {
              if (!hasErrorCode(error, 'ESRCH')) throw error;
            }
            return Promise.resolve();
          },
          gone,
          ended,
        });
      });
    });
  }

  /** There is no wall: the folders are where they are. */
  protected override async assist(box: LocalBox, run: CommandSpec): Promise<SandboxProcess> {
    const [, ...args] = run.command;
    const command = this.helper === null ? run.command : [...this.helper.shell, ...args];
    const process = await this.spawn(box, {
      ...run,
      command,
      environment: {
        ...run.environment,
        ...(this.helper && { PATH: this.helper.path }),
        WORKSPACE_DIR: box.folder,
        OUTPUT_DIR: box.output,
      },
    });
    this.assisting.add(process);
    void process.ended.then(() => this.assisting.delete(process));
    const { breakInput } = this;
    return breakInput === null ? process : { ...process, write: () => Promise.reject(breakInput) };
  }

  protected override async limit(_box: LocalBox, limits: SandboxLimits): Promise<void> {
    await this.limiting;
    this.limited.push(limits);
  }

  protected measure(): Promise<ResourceUsage> {
    return Promise.resolve({ ...unmeasuredUsage, memoryBytes: 1024 });
  }

  protected async close(box: LocalBox): Promise<void> {
    if (this.failNextClose) {
      this.failNextClose = false;
      throw new Error('the box is stuck');
    }
    await rm(box.folder, { recursive: true, force: true });
    await rm(box.output, { recursive: true, force: true });
    this.boxes.delete(box.folder);
  }
}

async function* merge(sources: Readonly<Record<OutputStream, Readable>>, started: number): AsyncGenerator<OutputChunk> {
  const readers = (['stdout', 'stderr'] as const).map((stream) => {
    const iterator = sources[stream][Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const next = (): Promise<{ stream: OutputStream; result: IteratorResult<Buffer> }> =>
      iterator.next().then((result: IteratorResult<Buffer>) => ({ stream, result }));
    return { next, pending: next() };
  });
  const live = new Set(readers);
  while (live.size > 0) {
    const { reader, stream, result } = await Promise.race(
      [...live].map((candidate) => candidate.pending.then((value) => ({ reader: candidate, ...value }))),
    );
    if (result.done === true) live.delete(reader);
    else {
      reader.pending = reader.next();
      yield { stream, data: result.value, at: performance.now() - started };
    }
  }
}
