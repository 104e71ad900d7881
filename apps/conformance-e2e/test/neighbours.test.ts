import { existsSync } from 'node:fs';
import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';
import type {
  ExecuteOptions,
  ExecutionEnd,
  OutputChunk,
  ProviderPorts,
  SandboxConfig,
  SandboxTemplate,
} from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import type { Box } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';
import { processes, read } from './support/system.js';

type Output = AsyncGenerator<OutputChunk, void, undefined>;

/** One run at a time, whatever the sandbox. Its programs are given three seconds, for which a test would wait else. */
class LocksForAll extends SandboxExecProvider {
  #last: Promise<void> = Promise.resolve();

  override async *execute(sandboxId: string, command: readonly string[], options: ExecuteOptions): Output {
    const before = this.#last;
    let release: () => void = () => undefined;
    this.#last = new Promise((resolve) => (release = resolve));
    await before;
    try {
      yield* super.execute(sandboxId, command, { ...options, timeoutMs: 3000 });
    } finally {
      release();
    }
  }
}

/** Keeps one end, of whichever sandbox ended last. */
class MixesUpEnds extends SandboxExecProvider {
  #last: ExecutionEnd | null = null;

  override async *execute(sandboxId: string, command: readonly string[], options: ExecuteOptions): Output {
    yield* super.execute(sandboxId, command, options);
    this.#last = await super.getResult(sandboxId);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  override async getResult(sandboxId: string): Promise<ExecutionEnd> {
    const end = await super.getResult(sandboxId);
    return this.#last ?? end;
  }
}

/** Stops every run when one is stopped. */
class StopsAll extends SandboxExecProvider {
  readonly #ids = new Set<string>();

  override prepare(solutionId: string, path: string, config: SandboxConfig): Promise<string> {
    this.#ids.add(config.sandboxId);
    return super.prepare(solutionId, path, config);
  }
  override async cleanup(sandboxId: string): Promise<boolean> {
    if (!this.#ids.delete(sandboxId)) return super.cleanup(sandboxId);
    const cleaned = await Promise.all([...this.#ids, sandboxId].map((id) => super.cleanup(id)));
    return cleaned.at(-1) ?? false;
  }
}

/** Works on a sandbox's files from outside, before it removes them. */
abstract class WorksOutside extends SandboxExecProvider {
  readonly #templates = new Map<Box, SandboxTemplate>();

  constructor(private readonly given: ProviderPorts) {
    super(given);
  }

  protected override async open(template: SandboxTemplate): Promise<Box> {
    const box = await super.open(template);
    this.#templates.set(box, template);
    return box;
  }
  protected override async close(box: Box): Promise<void> {
    const template = this.#templates.get(box);
    this.#templates.delete(box);
    const failure = template && (await this.work(this.#workspaceOf(template)).catch(String));
    await super.close(box);
    if (typeof failure === 'string') throw new SandboxError('SANDBOX011', failure.slice(0, 200));
  }
  protected abstract work(workspace: string): Promise<void>;

  /** Of root's sandboxes it lies in the mounts of a process that holds them. */
  #workspaceOf({ instanceId, sandboxId }: SandboxTemplate): string {
    const own = join(this.given.stateDir, instanceId, sandboxId, 'workspace');
    if (existsSync(own)) return own;
    const holder = processes().find((pid) => {
      const command = read(`/proc/${pid}/cmdline`);
      return command.startsWith('/bin/sh') && command.includes(sandboxId);
    });
    return `/proc/${holder ?? 'none'}/root/run/ergon-sandbox/disk/workspace`;
  }
}

class FollowsLinks extends WorksOutside {
  protected override async work(workspace: string): Promise<void> {
    for (const name of await readdir(workspace)) await chmod(join(workspace, name), 0o777).catch(() => undefined);
  }
}

class RemovesByNode extends WorksOutside {
  protected override async work(workspace: string): Promise<void> {
    for (const name of await readdir(workspace)) await rm(join(workspace, name), { recursive: true });
  }
}

provesThatTheSuiteCatches([
  {
    that: 'runs one sandbox after the other',
    create: (ports) => new LocksForAll(ports),
    caughtBy: /sandboxes run at the same time, not one after the other/,
    message: /Lock per sandbox, not per provider/,
  },
  {
    that: "tells another sandbox's end",
    create: (ports) => new MixesUpEnds(ports),
    caughtBy: /ten sandboxes at once/,
    message: /Sandboxes at the same time see and reach nothing of each other/,
  },
  {
    that: 'removes other sandboxes with the one that is cleaned up',
    create: (ports) => new StopsAll(ports),
    caughtBy: /cleanup\(\) of one sandbox touches no other/,
    message: /Remove what carries exactly its sandbox id/,
  },
  {
    that: 'follows links that programs planted',
    create: (ports) => new FollowsLinks(ports),
    caughtBy: /links that it planted are not followed/,
    message: /never follows a link that a program planted/,
  },
  {
    that: "removes files by Node's own means",
    create: (ports) => new RemovesByNode(ports),
    caughtBy: /what cannot be removed easily is removed/,
    message: /cleanup\(\) does not fail[^]*ENAMETOOLONG[^]*whatever a program made/,
  },
]);
