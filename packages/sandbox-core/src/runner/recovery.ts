import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sentenceOf } from '../contract/error.js';
import type { Logger } from '../contract/logger.js';
import { EventLog } from '../execution/index.js';
import { exists } from '../exists.js';
import type { SandboxFactory } from '../factory/factory.js';
import type { ExecutionRecord, History } from './history.js';
import type { StoredResult } from './journal.js';

/** Where a runner notes things of its starts, below its data folder. */
export const places = {
  /** What providers keep: one folder for each start that has not ended in order. */
  sandboxes: (dataDir: string): string => join(dataDir, 'sandboxes'),
  /** Names of the providers of which a start has asked for a sandbox, as empty files. */
  used: (dataDir: string, instanceId: string): string => join(dataDir, 'used', instanceId),
};

/** Notes, before a provider makes anything, that it may have something to be reclaimed after a crash. */
export async function noteProvider(dataDir: string, instanceId: string, provider: string): Promise<void> {
  await writeFile(join(places.used(dataDir, instanceId), encodeURIComponent(provider)), '');
}

/** Names a start, before it makes anything, so that the next one finds it. */
export async function nameStart(dataDir: string, instanceId: string): Promise<void> {
  await mkdir(places.used(dataDir, instanceId), { recursive: true, mode: 0o700 });
  await mkdir(join(places.sandboxes(dataDir), instanceId), { recursive: true, mode: 0o755 });
}

/** Forgets a start of which nothing is left. */
export async function forgetStart(dataDir: string, instanceId: string): Promise<void> {
  await rm(join(places.sandboxes(dataDir), instanceId), { recursive: true, force: true });
  await rm(places.used(dataDir, instanceId), { recursive: true, force: true });
}

/**
 * Removes what earlier starts on this data folder left. What can't be removed now, because its provider is down, stays named there for the
 * next time. A provider of which a start had asked for nothing need not answer.
 *
 * @param told starts of which a failure was logged as an error already
 */
export async function reclaimLeftovers(
  dataDir: string,
  instanceId: string,
  factory: SandboxFactory,
  logger: Logger,
  told: Set<string>,
): Promise<void> {
  for (const dead of await readdir(places.sandboxes(dataDir))) {
    if (dead === instanceId) continue;
    const used = await providersUsed(dataDir, dead);
    const { reclaimed, failures } = await reclaimFrom(factory, dead);
    const standing = failures.filter(({ provider }) => used?.has(provider) ?? true);
    if (standing.length === 0) {
      await forgetStart(dataDir, dead);
      logger.info('What an earlier start left was removed', { instanceId: dead, sandboxes: reclaimed });
      continue;
    }
    const error = standing.map(({ provider, sentence }) => `${provider}: ${sentence}`).join(' ');
    const level = told.has(dead) ? 'debug' : 'error';
    told.add(dead);
    logger[level]('What an earlier start left could not all be removed', { instanceId: dead, error });
  }
}

/** Null: nothing was noted, as by versions that noted nothing. */
async function providersUsed(dataDir: string, instanceId: string): Promise<ReadonlySet<string> | null> {
  const folder = places.used(dataDir, instanceId);
  return (await exists(folder)) ? new Set((await readdir(folder)).map(decodeURIComponent)) : null;
}

/** Removes what other servers of this machine left, which are proven to be dead. A provider that is down has its turn later. */
export async function reclaimStrays(factory: SandboxFactory, logger: Logger): Promise<void> {
  const { reclaimed, failures } = await reclaimFrom(factory, null);
  if (reclaimed > 0) logger.info('What other servers left was removed', { sandboxes: reclaimed });
  for (const { provider, sentence } of failures) {
    logger.debug('What other servers left could not be looked for', { provider, error: sentence });
  }
}

async function reclaimFrom(
  factory: SandboxFactory,
  instanceId: string | null,
): Promise<{ reclaimed: number; failures: readonly { provider: string; sentence: string }[] }> {
  const outcomes = await Promise.allSettled(factory.providers.map(async (provider) => provider.reclaim(instanceId)));
  const failures = outcomes.flatMap((outcome, index) =>
    outcome.status === 'rejected'
      ? [{ provider: factory.providers[index]?.name ?? '', sentence: sentenceOf(outcome.reason) }]
      : [],
  );
  const reclaimed = outcomes.reduce((sum, outcome) => sum + (outcome.status === 'fulfilled' ? outcome.value : 0), 0);
  return { reclaimed, failures };
}

const cutOffSentence = 'The server ended while this ran, so the run was cut off.';

/**
 * Ends, in the history, what an earlier start was doing when it died, and completes what it had no time to: logs without an end, results
 * that the registry lacks. To be called when nothing of it runs any more.
 *
 * @param record tells the registry; false: to be tried again at the next start.
 */
export async function endCutOffRuns(
  history: History,
  executionsDir: string,
  record: (result: StoredResult) => Promise<boolean>,
  logger: Logger,
): Promise<void> {
  const at = new Date().toISOString();
  for (const execution of [...history.executions.values()]) {
    if (execution.settled) continue;
    const { executionId } = execution;
    let result = await history.result(executionId);
    if (result === null) {
      result = cutOffResult(execution);
      const { sandboxId, solutionId } = result;
      logger.warn('A run was cut off when the server ended', { executionId, sandboxId, solutionId });
      await history.add({ kind: 'end', executionId, at, result }, { durable: true });
    }
    await completeLog(join(executionsDir, `${executionId}.log`), result);
    if (await record(result)) await history.add({ kind: 'settled', executionId });
  }
  for (const name of await readdir(executionsDir)) {
    // Made, and then the server died before the journal had its start: nothing ran.
    if (!history.executions.has(name.replace(/\.log$/, ''))) await rm(join(executionsDir, name), { force: true });
  }
  for (const sandbox of [...history.sandboxes.values()]) {
    if (!sandbox.gone) await history.add({ kind: 'gone', sandboxId: sandbox.sandboxId, at });
  }
}

function cutOffResult({ executionId, sandbox }: ExecutionRecord): StoredResult {
  return {
    sandboxId: sandbox.sandboxId,
    solutionId: sandbox.solutionId,
    executionId,
    status: 'failed',
    cause: 'lost',
    exitCode: null,
    signal: null,
    executionTimeMs: null,
    truncated: false,
    metrics: {
      provider: sandbox.provider,
      wallTimeMs: null,
      cpuTimeMs: null,
      memoryPeakBytes: null,
      prepareTimeMs: null,
      samples: [],
    },
    limitsHit: [],
    errors: [cutOffSentence],
    files: null,
  };
}

async function completeLog(path: string, result: StoredResult): Promise<void> {
  if (!(await exists(path))) return;
  const log = await EventLog.read(path);
  try {
    if (log.ended) return;
    const errors = result.errors.map((message) => ({ type: 'error' as const, message }));
    const { status, cause, exitCode } = result;
    await log.cutOff([...errors, { type: 'end', status, cause: cause ?? 'lost', exitCode }]);
  } finally {
    await log[Symbol.asyncDispose]();
  }
}
