import type { LimitHit } from '@ergon/sandbox-core';
import type { Watched } from './watchdog.js';

/** What a sandbox's workspace and output hold. */
export interface DiskMeter {
  readonly watched: readonly Watched[];
  /** `usedBytes` is null where measuring takes longer than an end should be kept waiting. */
  use(): Promise<{ readonly usedBytes: number | null; readonly hit: LimitHit | null }>;
}

/** A file takes at least this much of the limit, so that empty ones are not free. */
const BYTES_PER_FILE = 4096;

/** Folders nested by the thousands take long: the end of a run does not wait for that. */
const LONGEST_USE_MS = 2000;

/** What folders hold. */
export interface Counted {
  readonly bytes: number;
  readonly files: number;
  /** Of files that were removed and are still open. @default 0 */
  readonly held?: number;
}

/** A disk that is plain folders: a watchdog keeps its limit, by counting. */
export function countedDisk(limitBytes: number, count: (signal: AbortSignal) => Promise<Counted>): DiskMeter {
  const look = async (signal: AbortSignal): Promise<{ usedBytes: number; hit: LimitHit | null }> => {
    const { bytes, files, held = 0 } = await count(signal);
    const usedBytes = Math.max(bytes, files * BYTES_PER_FILE) + held;
    const evidence = `${usedBytes} bytes in ${files} files, counted`;
    return { usedBytes, hit: usedBytes > limitBytes ? { limit: 'disk', value: limitBytes, evidence } : null };
  };
  const use = async (): ReturnType<DiskMeter['use']> => {
    const signal = AbortSignal.timeout(LONGEST_USE_MS);
    try {
      return await look(signal);
    } catch (error) {
      if (signal.aborted) return { usedBytes: null, hit: null };
      throw error;
    }
  };
  return { watched: [{ look: async (signal) => (await look(signal)).hit }], use };
}
