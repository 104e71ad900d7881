import type { ArchiveEntry } from '../archive/entry.js';
import { readTar } from '../archive/read-tar.js';
import { formatSize } from '../config/size.js';
import { isSandboxError, sentenceOf } from '../contract/error.js';
import type { LeftOut, SandboxFiles } from '../contract/files.js';
import type { Logger } from '../contract/logger.js';
import type { Outputs } from './outputs.js';

/** What of a run's output was kept. */
export interface CollectedOutput {
  /** Paths below /output, sorted. Null: nothing could be, or was to be, collected. */
  readonly files: readonly string[] | null;
  /** What was not kept, in sentences. */
  readonly errors: readonly string[];
}

/** The most that is kept of one execution. */
const most = { files: 10_000, folders: 100_000, bytes: 1024 ** 3, nameBytes: 1024 ** 2 };
/** In which it has to be done. */
const deadlineMs = 120_000;

/** Keeps what /output holds, with its bounds. Never rejects. @param files finds the sandbox's */
export async function collectOutput(
  executionId: string,
  files: () => SandboxFiles,
  outputs: Outputs,
  logger: Logger,
): Promise<CollectedOutput> {
  const seen: Seen = { over: false, unfitNames: 0, left: null };
  try {
    const tar = files().pack?.('/output', {
      signal: AbortSignal.timeout(deadlineMs),
      maxFileBytes: most.bytes,
      leftOut: (left) => (seen.left = left),
    });
    if (tar === undefined) return { files: null, errors: [] };
    const kept = await outputs.keep(executionId, bounded(tar, seen));
    return { files: kept, errors: describe(seen, kept.length) };
  } catch (error) {
    logger.warn('The output of a run could not be kept', { executionId, error: sentenceOf(error) });
    // A system error names paths of the server, which are for its log.
    const reason = isSandboxError(error) ? error.message : 'The disk of the server did not take them.';
    return { files: null, errors: [`The files in /output could not be kept: ${reason}`] };
  }
}

interface Seen {
  /** There is more than is kept. */
  over: boolean;
  unfitNames: number;
  left: LeftOut | null;
}

/** The files of an output, as many as are kept. */
async function* bounded(tar: AsyncIterable<Uint8Array>, seen: Seen): AsyncGenerator<ArchiveEntry> {
  const sums = { files: 0, folders: 0, bytes: 0, nameBytes: 0 };
  const bounds = {
    maxEntries: Infinity,
    maxBytes: Infinity,
    skipped: () => {
      sums.folders += 1; // in number they count alike
      seen.unfitNames += 1;
    },
  };
  for await (const entry of readTar(tar, bounds)) {
    if (entry.type === 'folder') sums.folders += 1;
    else {
      sums.files += 1;
      sums.bytes += entry.bytes;
      sums.nameBytes += Buffer.byteLength(entry.path);
    }
    seen.over = (Object.keys(most) as (keyof typeof most)[]).some((each) => sums[each] > most[each]);
    if (seen.over) return;
    if (entry.type === 'file') yield entry;
  }
}

function describe({ over, unfitNames, left }: Seen, kept: number): string[] {
  const { special = 0, large = 0, unreadable = 0, changed = 0 } = left ?? {};
  const size = formatSize(most.bytes);
  const sentences = [
    [over, `/output holds more than can be kept (${most.files} files, ${size} in all): ${kept} files were kept.`],
    [large, `${large} in /output were not kept: files over ${size}.`],
    [special, `${special} in /output were not kept: links or special files.`],
    [unreadable, `${unreadable} in /output were not kept: they could not be read.`],
    [
      unfitNames,
      `${unfitNames} in /output were not kept: their names are too long, have a backslash, or are no UTF-8.`,
    ],
    [changed, `${changed} files in /output changed while they were being kept.`],
  ] as const;
  return sentences.flatMap(([told, sentence]) => (told ? [sentence] : []));
}
