import type { LimitName, SandboxLimits } from '../contract/config.js';
import type { ProviderCapabilities } from '../contract/capabilities.js';
import { SandboxError } from '../contract/error.js';
import type { ParsedLimits } from './request.js';
import { formatSize } from './size.js';

const defaults = {
  memoryBytes: 4 * 1024 ** 3,
  cpus: 4,
  pids: 256,
  diskBytes: 1024 ** 3,
  outputBytes: 64 * 1024 ** 2,
  timeoutMs: 300_000,
} as const;

/**
 * Below these no provider can go: what the processes take that carry a sandbox (an engine takes 6 MiB at least), the kernel's shortest share
 * of time (1 ms of 100), the least that a filesystem takes.
 */
export const smallest: LimitWishes & Readonly<Record<'memoryBytes' | 'cpus' | 'diskBytes', number>> = {
  memoryBytes: 8 * 1024 ** 2,
  cpus: 0.01,
  diskBytes: 1024 ** 2,
};

/** Open files of one process, unless the server is told otherwise. */
const openFiles = 1024;

type Settable = keyof typeof defaults;

/** Limits as somebody asked for them; absent: no wish. */
export type LimitWishes = Partial<Record<Settable, number | undefined>>;

/** Limits by the names of a request. */
export function wishesOf(request: ParsedLimits): LimitWishes {
  return {
    memoryBytes: request.memoryLimit,
    cpus: request.cpuLimit,
    pids: request.pidsLimit,
    diskBytes: request.diskLimit,
    outputBytes: request.outputLimit,
    timeoutMs: request.timeout === undefined ? undefined : request.timeout * 1000,
  };
}

interface Dimension {
  readonly field: string;
  readonly limit: LimitName;
  readonly format: (value: number) => string;
}

const dimensions: Record<Settable, Dimension> = {
  memoryBytes: { field: 'memory_limit', limit: 'memory', format: formatSize },
  cpus: { field: 'cpu_limit', limit: 'cpu', format: (value) => `${String(value)} CPUs` },
  pids: { field: 'pids_limit', limit: 'pids', format: (value) => `${String(value)} processes` },
  diskBytes: { field: 'disk_limit', limit: 'disk', format: formatSize },
  outputBytes: { field: 'output_limit', limit: 'output', format: formatSize },
  timeoutMs: { field: 'timeout', limit: 'wall-time', format: (value) => `${String(value / 1000)} s` },
};
const settable = Object.keys(dimensions) as Settable[];

export interface ResolvedLimits {
  readonly limits: SandboxLimits;
  /** Limits that the request or the solution named. */
  readonly asked: ReadonlySet<LimitName>;
  /** What was changed, in sentences. */
  readonly notes: readonly string[];
}

/**
 * A ceiling below what can be kept would have to be exceeded by every sandbox.
 * @param whose put before the limit's name in the sentence, e.g. `ceiling`
 * @throws SandboxError SANDBOX008
 */
export function requireCeiling(ceiling: LimitWishes, whose: string): void {
  for (const key of settable) {
    const [bound, least] = [ceiling[key], smallest[key]];
    if (bound === undefined || least === undefined || bound >= least) continue;
    const { limit, format } = dimensions[key];
    throw new SandboxError(
      'SANDBOX008',
      `${whose}.${limit}: must be at least ${format(least)}, the smallest that can be kept.`,
    );
  }
}

/**
 * The request's wish, else the solution's, else the default; never above the server's ceiling, which has passed {@link requireCeiling}.
 */
export function resolveLimits(request: LimitWishes, solution: LimitWishes, ceiling: LimitWishes): ResolvedLimits {
  const chosen: Record<Settable, number> = { ...defaults };
  const asked = new Set<LimitName>();
  for (const key of settable) {
    const wish = request[key] ?? solution[key];
    if (wish === undefined) continue;
    chosen[key] = wish;
    asked.add(dimensions[key].limit);
  }
  const { values, notes } = lower(chosen, ceiling, "the server's ceiling");
  for (const key of settable) {
    const least = smallest[key];
    if (least === undefined || values[key] >= least) continue;
    const { field, format } = dimensions[key];
    notes.push(`${field} was raised from ${format(values[key])} to the smallest that can be kept, ${format(least)}.`);
    values[key] = least;
  }
  return { limits: withFileBounds(values), asked, notes };
}

/** Lowers limits to what the machine has. */
export function fitToMachine(
  limits: SandboxLimits,
  machine: ProviderCapabilities['machine'],
): Omit<ResolvedLimits, 'asked'> {
  const bounds: LimitWishes = {};
  if (machine.memoryBytes !== null) bounds.memoryBytes = machine.memoryBytes;
  if (machine.cpus !== null) bounds.cpus = machine.cpus;
  if (machine.diskBytes !== null) bounds.diskBytes = machine.diskBytes;
  const { values, notes } = lower(limits, bounds, "the machine's");
  return { limits: withFileBounds(values), notes };
}

export interface ChangedLimits extends Omit<ResolvedLimits, 'asked'> {
  /** Those whose values are others now. */
  readonly changed: readonly LimitName[];
}

/** Limits of a sandbox that is there: the wishes, else what is in force; bounded as they were when it was made. */
export function changeLimits(
  inForce: SandboxLimits,
  wishes: LimitWishes,
  ceiling: LimitWishes,
  machine: ProviderCapabilities['machine'],
): ChangedLimits {
  const wished = resolveLimits(wishes, inForce, ceiling);
  const fit = fitToMachine(wished.limits, machine);
  const changed = settable.filter((key) => fit.limits[key] !== inForce[key]);
  return {
    limits: fit.limits,
    notes: [...wished.notes, ...fit.notes],
    changed: changed.map((key) => dimensions[key].limit),
  };
}

const keys: Readonly<Record<LimitName, keyof SandboxLimits>> = {
  memory: 'memoryBytes',
  cpu: 'cpus',
  pids: 'pids',
  disk: 'diskBytes',
  'open-files': 'openFiles',
  'file-size': 'fileBytes',
  output: 'outputBytes',
  'wall-time': 'timeoutMs',
};

/** A limit's value, in its own unit. */
export function valueOf(limits: SandboxLimits, limit: LimitName): number {
  return limits[keys[limit]];
}

/** The field of a request that sets a limit. */
export function fieldOf(limit: LimitName): string {
  return Object.values(dimensions).find((dimension) => dimension.limit === limit)?.field ?? limit;
}

function lower(
  from: Readonly<Record<Settable, number>>,
  bounds: LimitWishes,
  whose: string,
): { values: Record<Settable, number>; notes: string[] } {
  const values = { ...from };
  const notes: string[] = [];
  for (const key of settable) {
    const bound = bounds[key];
    if (bound === undefined || values[key] <= bound) continue;
    const { field, format } = dimensions[key];
    notes.push(`${field} was lowered from ${format(values[key])} to ${whose}, ${format(bound)}.`);
    values[key] = bound;
  }
  return { values, notes };
}

function withFileBounds(values: Record<Settable, number>): SandboxLimits {
  const { memoryBytes, cpus, pids, diskBytes, outputBytes, timeoutMs } = values;
  return Object.freeze({ memoryBytes, cpus, pids, diskBytes, outputBytes, timeoutMs, openFiles, fileBytes: diskBytes });
}

/** A limit's value for people, e.g. "512 MiB". */
export function describeLimit(limit: LimitName, value: number): string {
  if (limit === 'open-files') return `${String(value)} open files`;
  if (limit === 'file-size') return formatSize(value);
  const dimension = settable.map((key) => dimensions[key]).find((candidate) => candidate.limit === limit);
  return dimension === undefined ? String(value) : dimension.format(value);
}
