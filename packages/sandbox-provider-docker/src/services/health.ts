import type { ServiceHealthcheck } from '@ergon/sandbox-core';
import type { ImageHealthcheck } from '../engine/engine.js';

/** How it is told that a service is up. */
export interface HealthPlan {
  /** argv of what exits with 0 then. Null: it is up once it has run for a moment. */
  readonly test: readonly string[] | null;
  /** From one check's end to the next's begin, while it starts. */
  readonly pauseMs: number;
  readonly timeoutMs: number;
  /** From its start on. */
  readonly patienceMs: number;
}

/** Docker's, of HEALTHCHECK. */
const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0 } as const;
/** A service is looked at more often than its interval says, which is made for one that runs for months. */
const LONGEST_PAUSE_MS = 500;
/** Each check is a process that the engine starts. */
const SHORTEST_PAUSE_MS = 200;
const LONGEST_PATIENCE_MS = 10 * 60_000;

/** What the solution says, else the image, else Docker's defaults. It is given as much time as Docker would before it called it unhealthy. */
export function healthPlan(asked: ServiceHealthcheck, image: ImageHealthcheck | null): HealthPlan {
  const ms = (nanoseconds = 0): number | undefined => (nanoseconds > 0 ? nanoseconds / 1e6 : undefined);
  const intervalMs = asked.intervalMs ?? ms(image?.Interval) ?? DEFAULTS.intervalMs;
  const retries = (asked.retries ?? image?.Retries ?? 0) || DEFAULTS.retries;
  const startPeriodMs = asked.startPeriodMs ?? ms(image?.StartPeriod) ?? DEFAULTS.startPeriodMs;
  return {
    test: asked.test === undefined ? imageTest(image) : asked.test,
    pauseMs: Math.max(Math.min(intervalMs, LONGEST_PAUSE_MS), SHORTEST_PAUSE_MS),
    timeoutMs: asked.timeoutMs ?? ms(image?.Timeout) ?? DEFAULTS.timeoutMs,
    patienceMs: Math.min(startPeriodMs + retries * intervalMs, LONGEST_PATIENCE_MS),
  };
}

/** Engine API, HealthConfig.Test. */
function imageTest(image: ImageHealthcheck | null): readonly string[] | null {
  const [kind, ...rest] = image?.Test ?? [];
  if (kind === 'CMD' && rest.length > 0) return rest;
  return kind === 'CMD-SHELL' ? ['/bin/sh', '-c', rest[0] ?? ''] : null;
}
