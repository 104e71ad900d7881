import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@ergon/sandbox-core';
import type { SandboxProvider } from '@ergon/sandbox-core';
import { House, STATE } from './house.js';
import type { ConformanceOptions } from './options.js';
import { all, holds, within } from './promises.js';
import { markdown, reportedClaims, writeReport } from './report.js';
import type { ConformanceReport, ReportedClaims, ReportedTest } from './report.js';
import { hostSecret } from './secret.js';
import { sections } from './sections/index.js';
import type { Claims, ConformanceTest } from './suite.js';

/**
 * Declares the whole suite for one provider, with the test function of whatever runner calls it; tests are to run one after another.
 * What the provider's probe does not claim is not run, and is listed so in the report, which the last test prints and writes.
 *
 * @example
 * describeProvider({
 *   test,
 *   createProvider: (ports) => new MyProvider(ports),
 *   fixtures: { vanish: ({ sandboxId }) => kill(sandboxId), leftovers: (instanceId) => search(instanceId) },
 * });
 * @returns the report, which is filled while the tests run
 */
export function describeProvider(options: ConformanceOptions): ConformanceReport {
  const { fixtures, test } = options;
  const report = new LiveReport();
  let folder: Promise<string> | null = null;
  let claims: Promise<Claims> | null = null;

  const place = (): Promise<string> =>
    (folder ??= mkdtemp(join(tmpdir(), 'ergon-conformance-')).then((made) => realpath(made)));
  const createProvider = async (): Promise<SandboxProvider> => {
    const stateDir = join(await place(), STATE);
    await mkdir(stateDir, { recursive: true });
    return options.createProvider({ logger: silentLogger, stateDir });
  };
  const findClaims = async (): Promise<Claims> => {
    process.env[hostSecret.name] = hostSecret.value;
    const provider = await createProvider();
    const probe = await within(60_000, 'probe()', provider.probe());
    holds(
      probe.available,
      { promise: 'The provider is available where its tests run.', mend: 'Do what its probe says.' },
      probe,
    );
    report.describe(provider.name, reportedClaims(probe.capabilities));
    return { provider, capabilities: probe.capabilities, fixtures };
  };

  const makeHouse = async (): Promise<House> =>
    new House(await (claims ??= findClaims()), await place(), createProvider);
  const rooms = new Rooms(makeHouse);

  for (const { title, tests } of sections) {
    for (const [index, each] of tests.entries()) {
      const record = report.declare(title, each.name);
      const timeoutMs = each.timeoutMs ?? 60_000;
      const body = async (): Promise<void> => {
        record('failed', null);
        const missing = each.needs?.(await (claims ??= findClaims())) ?? null;
        const isLast = !tests.slice(index + 1).some(({ shares }) => shares);
        if (missing === null) await rooms.run(each, timeoutMs, isLast);
        else if (isLast) await rooms.close();
        record(missing === null ? 'passed' : 'not claimed', missing);
      };
      test(`${title}: ${each.name}`, body, timeoutMs + CLOSING_MS);
    }
  }

  const finish = async (): Promise<void> => {
    const dispose = async (): Promise<void> => {
      if (claims !== null) await within(60_000, 'asyncDispose', (await claims).provider[Symbol.asyncDispose]());
    };
    const remove = async (): Promise<void> => {
      Reflect.deleteProperty(process.env, hostSecret.name);
      if (folder !== null) await rm(await folder, { recursive: true });
    };
    const tell = async (): Promise<void> => {
      process.stdout.write(`\n${markdown(report)}\n`);
      if (options.reportFile !== undefined) await writeReport(options.reportFile, report);
    };
    await all(tell, () => rooms.close(), dispose, remove);
  };
  test('Report: what was run, and what is not claimed', finish, CLOSING_MS);
  return report;
}

/** What a test may take, beyond its own time, to remove what it made. */
const CLOSING_MS = 150_000;

/** A house for each test, and one for those of a section that share a sandbox. */
class Rooms {
  #shared: House | null = null;

  constructor(private readonly make: () => Promise<House>) {}

  /** @param isLast no test of the section follows that shares its sandbox */
  async run({ body, shares = false }: ConformanceTest, timeoutMs: number, isLast: boolean): Promise<void> {
    const house = shares ? (this.#shared ??= await this.make()) : await this.make();
    let passed = false;
    const work = async (): Promise<void> => {
      await within(timeoutMs, 'The test', body(house));
      passed = true;
    };
    const close = async (): Promise<void> => {
      if (!shares) await house.close();
      if (isLast || (shares && !passed)) await this.close();
    };
    await all(work, close);
  }

  async close(): Promise<void> {
    const house = this.#shared;
    this.#shared = null;
    await house?.close();
  }
}

class LiveReport implements ConformanceReport {
  provider: string | null = null;
  claims: ReportedClaims | null = null;
  readonly tests: ReportedTest[] = [];

  describe(provider: string, claims: ReportedClaims): void {
    this.provider = provider;
    this.claims = claims;
  }

  /** @returns what records how it ended */
  declare(section: string, name: string): (outcome: ReportedTest['outcome'], missing: string | null) => void {
    const index = this.tests.push({ section, name, outcome: 'not run', missing: null }) - 1;
    return (outcome, missing) => {
      this.tests[index] = { section, name, outcome, missing };
    };
  }
}
