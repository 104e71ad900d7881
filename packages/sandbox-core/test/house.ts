import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SandboxFactory, SandboxRunner } from '../src/index.js';
import type { ExecutionEvent, Execution, RunnerOptions, SolutionRegistry, TestResultRecord } from '../src/index.js';
import { LocalProvider } from './local-provider.js';

/** A registry in memory: real, but for the disk. */
export class MemoryRegistry implements SolutionRegistry {
  readonly contents = new Map<string, Record<string, unknown>>();
  readonly results = new Map<string, TestResultRecord[]>();
  failing = false;
  /** Why it does not take a result; null: it does. */
  refuses: (solutionId: string, result: TestResultRecord) => Error | null = () => null;

  getSolution(id: string): ReturnType<SolutionRegistry['getSolution']> {
    const content = this.contents.get(id);
    return Promise.resolve(content === undefined ? null : { id, name: id, version: '1', content });
  }

  recordTestResult(solutionId: string, result: TestResultRecord): Promise<void> {
    if (this.failing) return Promise.reject(new Error('the registry is down'));
    const refusal = this.refuses(solutionId, result);
    if (refusal !== null) return Promise.reject(refusal);
    const known = this.results.get(solutionId) ?? [];
    if (!known.some(({ executionId }) => executionId === result.executionId)) known.push(result);
    this.results.set(solutionId, known);
    return Promise.resolve();
  }
}

/** A runner with all that it needs, on a data folder of its own. */
export interface House {
  readonly dataDir: string;
  readonly provider: LocalProvider;
  readonly registry: MemoryRegistry;
  runner: SandboxRunner;
  start(options?: Partial<RunnerOptions>): Promise<SandboxRunner>;
  close(): Promise<void>;
}

/** @param more providers beside the local one */
export async function makeHouse(
  options: Partial<RunnerOptions> = {},
  more: readonly LocalProvider[] = [],
): Promise<House> {
  const dataDir = await mkdtemp(join(tmpdir(), 'house-'));
  const provider = new LocalProvider();
  const registry = new MemoryRegistry();
  const factory = new SandboxFactory({}).register(provider);
  for (const each of more) factory.register(each);
  const start = (changed: Partial<RunnerOptions> = {}): Promise<SandboxRunner> =>
    SandboxRunner.start({ dataDir, registry, factory, killGraceMs: 200, ...options, ...changed });
  const house: House = {
    dataDir,
    provider,
    registry,
    runner: await start(),
    start,
    close: async () => {
      await house.runner.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
  registry.contents.set('hello', { code: 'echo hello; echo oops >&2\n', main_file: 'main.sh' });
  return house;
}

export async function allEvents(execution: Execution): Promise<ExecutionEvent[]> {
  const all: ExecutionEvent[] = [];
  for await (const batch of execution.events()) all.push(...batch);
  return all;
}

export function linesOf(events: readonly ExecutionEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'line' ? [`[${event.stream}] ${event.line}`] : []));
}

/** Waits until something holds; fails after the deadline. */
export async function until(holds: () => boolean | Promise<boolean>, deadlineMs = 30_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('it never came true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
