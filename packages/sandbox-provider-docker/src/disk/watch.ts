import { setTimeout as delay } from 'node:timers/promises';
import { type LimitHit, SandboxError } from '@ergon/sandbox-core';
import type { DiskUse, Keeper } from './keeper.js';

/** A file takes at least this much of the limit, so that empty ones are not free. */
export const BYTES_PER_FILE = 4096;
const EVERY_MS = 100;
/** Names without end make looking slow, and what is written meanwhile is not seen: a million files on a busy machine take less. */
const LONGEST_LOOK_MS = 45_000;

/**
 * Looks at what the volumes hold, with a tenth of a second between two looks, until that is over the limit (`exceeded`, once) or a look fails (`failed`, once: a limit
 * that can't be watched must end the run). In between, and while a look takes
 * its time (among very many files), a program can write as much as it can in that time.
 *
 * @returns ends the watch
 */
export function watchDisk(
  keeper: Pick<Keeper, 'use'>,
  limitBytes: number,
  exceeded: (hit: LimitHit) => void,
  failed: (error: unknown) => void,
): () => void {
  const use = (): Promise<DiskUse> => look((signal) => keeper.use(signal));
  return watchUntil(async () => judge(await use(), limitBytes), exceeded, failed);
}

/** The same for whatever else a look may tell. */
export function watchUntil(
  lookFor: () => Promise<LimitHit | undefined>,
  exceeded: (hit: LimitHit) => void,
  failed: (error: unknown) => void,
): () => void {
  let stopped = false;
  const stop = new AbortController();
  const watch = async (): Promise<void> => {
    while (!stopped) {
      const hit = await lookFor();
      if (stopped) return;
      if (hit !== undefined) {
        exceeded(hit);
        return;
      }
      await delay(EVERY_MS, undefined, { signal: stop.signal });
    }
  };
  watch().catch((error: unknown) => {
    if (!stopped) failed(error);
  });
  return () => {
    stopped = true;
    stop.abort();
  };
}

/** Looks once, in its time. @throws SandboxError SANDBOX011; the signal's reason */
export async function look(use: (signal: AbortSignal) => Promise<DiskUse>, wanted?: AbortSignal): Promise<DiskUse> {
  const signal = AbortSignal.timeout(LONGEST_LOOK_MS);
  try {
    return await use(wanted === undefined ? signal : AbortSignal.any([signal, wanted]));
  } catch (error) {
    if (!signal.aborted) throw error;
    const sentence = `The disk cannot be watched: to count what it holds takes longer than ${LONGEST_LOOK_MS / 1000} s.`;
    throw new SandboxError('SANDBOX011', sentence, { cause: error });
  }
}

function judge({ bytes, files, uncountable }: DiskUse, limitBytes: number): LimitHit | undefined {
  if (uncountable !== null) {
    return { limit: 'disk', value: limitBytes, evidence: `a folder too deep to be counted: ${uncountable}` };
  }
  const used = Math.max(bytes, files * BYTES_PER_FILE);
  if (used <= limitBytes) return undefined;
  return { limit: 'disk', value: limitBytes, evidence: `${used} bytes in ${files} files, counted` };
}
