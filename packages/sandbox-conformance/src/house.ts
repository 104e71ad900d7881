import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { newInstanceId } from '@ergon/sandbox-core';
import type { SandboxConfig, SandboxLimits, SandboxProvider } from '@ergon/sandbox-core';
import { all, equal, STEP_MS, succeeds } from './promises.js';
import { removal, TestSandbox } from './sandbox.js';
import type { Claims } from './suite.js';

export const STATE = 'state';
const MiB = 1 << 20;
const defaults: SandboxLimits = {
  memoryBytes: 256 * MiB,
  cpus: 1,
  pids: 64,
  diskBytes: 64 * MiB,
  openFiles: 256,
  fileBytes: 64 * MiB,
  outputBytes: 64 * MiB,
  timeoutMs: 20_000,
};

/** Files of a solution: their text or bytes by their path. A path that ends in `/` is an empty folder. */
export type SolutionFiles = Readonly<Record<string, string | Uint8Array>>;

export interface SandboxWishes {
  readonly files?: SolutionFiles;
  /** A folder that `solution()` wrote, instead of `files`. */
  readonly solution?: string;
  readonly limits?: Partial<SandboxLimits>;
  readonly config?: Partial<SandboxConfig>;
}

/** What a test (or several that share a sandbox) works in: a provider, an instance id of its own, a folder of its own; and what it made, so that it can be removed. */
export class House {
  readonly instanceId = newInstanceId();
  readonly #made = new Map<string, { readonly instanceId: string; readonly provider: SandboxProvider }>();

  #shared: Promise<TestSandbox> | null = null;

  constructor(
    readonly claims: Claims,
    /** Of all tests, absolute. Solutions are written there, and below `STATE` the provider's state. */
    readonly folder: string,
    private readonly createProvider: () => Promise<SandboxProvider>,
    /** Fails unless it is known that programs write to no folder of the host's. Asked before any program runs. */
    private readonly guard: (house: House) => Promise<void>,
  ) {}

  get provider(): SandboxProvider {
    return this.claims.provider;
  }

  /** argv[0] of Python inside. */
  get python(): string {
    return this.claims.fixtures.python ?? 'python3';
  }

  /** Another provider object over the same state, as the next start of a server would make one. The test disposes of it. */
  anotherProvider(): Promise<SandboxProvider> {
    return this.createProvider();
  }

  /** Writes a solution as the core does: readable by all, what begins with `#!` executable. @returns its folder, absolute */
  async solution(files: SolutionFiles = {}): Promise<string> {
    const folder = join(this.folder, 'solutions', randomUUID());
    await mkdir(folder, { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      const file = join(folder, path);
      const into = path.endsWith('/') ? file : dirname(file);
      await mkdir(into, { recursive: true });
      if (path.endsWith('/')) continue;
      await writeFile(file, content);
      await chmod(file, typeof content === 'string' && content.startsWith('#!') ? 0o755 : 0o644);
    }
    return folder;
  }

  /** A configuration for one more sandbox of this test, which is removed at its end. */
  config({ limits, config }: Omit<SandboxWishes, 'files'> = {}, provider = this.provider): SandboxConfig {
    const { cpus } = this.claims.capabilities.machine;
    const made: SandboxConfig = {
      ownerId: 'conformance',
      network: { mode: this.claims.capabilities.network[0] === 'full' ? 'full' : 'none' },
      environment: {},
      mounts: [],
      ...this.claims.fixtures.config,
      sandboxId: randomUUID(),
      instanceId: this.instanceId,
      ...config,
      limits: { ...defaults, cpus: Math.min(defaults.cpus, cpus ?? defaults.cpus), ...limits },
    };
    this.#made.set(made.sandboxId, { instanceId: made.instanceId, provider });
    return made;
  }

  /** A sandbox that is ready. */
  async sandbox(wishes: SandboxWishes = {}, provider = this.provider): Promise<TestSandbox> {
    await this.guard(this);
    return this.unguarded(wishes, provider);
  }

  /** A sandbox in which nothing may be changed yet. */
  async unguarded(wishes: SandboxWishes = {}, provider = this.provider): Promise<TestSandbox> {
    const config = this.config(wishes, provider);
    const solution = wishes.solution ?? (await this.solution(wishes.files));
    await this.prepare(solution, config, provider);
    return new TestSandbox(provider, config);
  }

  /** A preparation in which nothing is wrong. */
  async prepare(solution: string, config: SandboxConfig, provider = this.provider): Promise<void> {
    const mend =
      'It rejects only where it is cancelled, or where the solution or the configuration is wrong; nothing was wrong here.';
    const id = await succeeds(STEP_MS, 'prepare()', mend, () => provider.prepare('solution', solution, config));
    equal(id, config.sandboxId, {
      promise: 'prepare() returns the sandbox id of its configuration.',
      mend: 'Return config.sandboxId: it was recorded before anything was made.',
    });
  }

  /** The sandbox that the tests of this house share: what one of them leaves in /workspace and /output the next one finds. */
  shared(): Promise<TestSandbox> {
    return (this.#shared ??= this.sandbox());
  }

  /** Names of all that is left of this test's sandboxes, by the fixtures' search and in the provider's own folder. */
  async leftovers(instanceId = this.instanceId): Promise<readonly string[]> {
    const folder = join(this.folder, STATE, instanceId);
    const ids = [...this.#made].flatMap(([id, made]) => (made.instanceId === instanceId ? [id] : []));
    return [
      ...(await this.claims.fixtures.leftovers(instanceId, ids)),
      ...(existsSync(folder) ? [folder, ...readdirSync(folder).map((name) => join(folder, name))] : []),
    ];
  }

  async assertNothingLeft(instanceId = this.instanceId): Promise<void> {
    const left = [...new Set(await this.leftovers(instanceId))];
    equal(left, [], {
      promise: 'After cleanup() nothing of a sandbox is left.',
      mend: 'Remove each of these before cleanup() (or a failed prepare()) settles; if something cannot be removed, reject with that.',
    });
  }

  /** Removes all that the test made, and looks whether something is left. Tells each failure. */
  async close(): Promise<void> {
    const cleanups = [...this.#made].map(([id, { provider }]) => async (): Promise<void> => {
      await succeeds(STEP_MS, 'cleanup()', removal, () => provider.cleanup(id));
    });
    const instances = new Set([this.instanceId, ...[...this.#made.values()].map(({ instanceId }) => instanceId)]);
    await all(...cleanups, ...[...instances].map((instanceId) => () => this.assertNothingLeft(instanceId)));
  }
}
