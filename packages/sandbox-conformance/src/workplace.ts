import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sentenceOf, silentLogger } from '@ergon/sandbox-core';
import type { SandboxProvider } from '@ergon/sandbox-core';
import { House, STATE } from './house.js';
import type { ConformanceOptions } from './options.js';
import { assertOwnFolders, foldersOfTheHost } from './own-folders.js';
import { all, holds, STEP_MS, succeeds, within } from './promises.js';
import { removal } from './sandbox.js';
import { hostSecret } from './secret.js';
import type { Claims, ConformanceTest, Gap } from './suite.js';

/** How long no test runs until the next one is thought not to come, in ms: it may have been filtered out. */
const IDLE_MS = 200;

/** What the tests of a run share: the provider, what it claims, a folder, and a house for those that share a sandbox. */
export class Workplace {
  #folder: Promise<string> | null = null;
  #claims: Promise<Claims> | null = null;
  #shared: House | null = null;
  #guarded: Promise<void> | null = null;
  #idle: NodeJS.Timeout | undefined;
  #wasUsed = false;
  #puttingAway: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: Pick<ConformanceOptions, 'createProvider' | 'fixtures'>,
    private readonly onClaims: (claims: Claims) => void,
  ) {}

  /** Does a test's work. When no other follows, all that is shared is put away: a test that stood for the last may not be run. */
  async use(work: () => Promise<void>): Promise<void> {
    clearTimeout(this.#idle);
    const puttingAway = this.#puttingAway;
    this.#puttingAway = Promise.resolve();
    await puttingAway;
    try {
      await work();
    } finally {
      if (this.#folder !== null) {
        this.#idle = setTimeout(() => {
          this.#puttingAway = this.putAway();
          // The next test fails by it, if there is one.
          this.#puttingAway.catch((error: unknown) => process.stderr.write(`${sentenceOf(error)}\n`));
        }, IDLE_MS);
      }
    }
  }

  /** A test asked for the provider. */
  get wasUsed(): boolean {
    return this.#wasUsed;
  }

  claims(): Promise<Claims> {
    this.#wasUsed = true;
    return (this.#claims ??= this.#findClaims());
  }

  async #findClaims(): Promise<Claims> {
    process.env[hostSecret.name] = hostSecret.value;
    const provider = await this.#createProvider();
    const mend = 'Tell what is absent by { available: false, reason, fix }; throw nothing.';
    const probe = await succeeds(STEP_MS, 'probe()', mend, () => provider.probe());
    holds(
      probe.available,
      { promise: 'The provider is available where its tests run.', mend: 'Do what its probe says.' },
      probe,
    );
    const claims = { provider, capabilities: probe.capabilities, fixtures: this.options.fixtures };
    this.onClaims(claims);
    return claims;
  }

  #place(): Promise<string> {
    return (this.#folder ??= mkdtemp(join(tmpdir(), 'ergon-conformance-')).then((made) => realpath(made)));
  }

  async #createProvider(): Promise<SandboxProvider> {
    const stateDir = join(await this.#place(), STATE);
    await mkdir(stateDir, { recursive: true });
    return this.options.createProvider({ logger: silentLogger, stateDir });
  }

  async #house(): Promise<House> {
    const guard = (house: House): Promise<void> => (this.#guarded ??= this.#lookAtFolders(house));
    return new House(await this.claims(), await this.#place(), () => this.#createProvider(), guard);
  }

  /** Once for all, by a sandbox of its own. */
  async #lookAtFolders(house: House): Promise<void> {
    const host = foldersOfTheHost();
    if (host.size === 0) return;
    const sandbox = await house.unguarded();
    await assertOwnFolders(sandbox, host).finally(() => sandbox.cleanup());
  }

  /** @param isLast no test of the section follows that shares its sandbox */
  async run({ body, shares = false }: ConformanceTest, timeoutMs: number, isLast: boolean): Promise<Gap | null> {
    const house = shares ? (this.#shared ??= await this.#house()) : await this.#house();
    let passed = false;
    let gap: Gap | null = null;
    const work = async (): Promise<void> => {
      const testing = body(house) as Promise<Gap | null | undefined>; // most tests resolve with nothing
      gap = (await within(timeoutMs, 'The test', testing)) ?? null;
      passed = true;
    };
    const close = async (): Promise<void> => {
      if (!shares) await house.close();
      if (isLast || (shares && !passed)) await this.closeShared();
    };
    await all(work, close);
    return gap;
  }

  async closeShared(): Promise<void> {
    const house = this.#shared;
    this.#shared = null;
    await house?.close();
  }

  /** Removes all of it. What is used afterwards is made anew. */
  async putAway(): Promise<void> {
    const [folder, claims] = [this.#folder, this.#claims];
    const dispose = async (): Promise<void> => {
      if (claims === null) return;
      const { provider } = await claims;
      await succeeds(STEP_MS, 'asyncDispose', removal, () => provider[Symbol.asyncDispose]());
    };
    const remove = async (): Promise<void> => {
      Reflect.deleteProperty(process.env, hostSecret.name);
      if (folder !== null) await rm(await folder, { recursive: true });
    };
    this.#folder = null;
    this.#claims = null;
    await all(() => this.closeShared(), dispose, remove);
  }
}
