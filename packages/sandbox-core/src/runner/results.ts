import type { SandboxResult } from '../contract/result.js';
import { formatSize } from '../config/size.js';
import type { ExecutionEvent } from '../contract/events.js';
import { EventLog } from '../execution/index.js';

/** The most of each stream that a result carries; the log has the rest. */
const maxTextBytes = 1024 ** 2;
const shortenedStart = 'The output is shortened here';

/** Whether a sentence in a result is on its texts, which nobody sees who was shown the output itself. */
export function isOnTexts(sentence: string): boolean {
  return sentence.startsWith(shortenedStart);
}

/** A result with its program's output, from the log. */
export async function withText(
  result: Omit<SandboxResult, 'stdout' | 'stderr'>,
  log: EventLog | null,
): Promise<SandboxResult> {
  if (log === null) return { ...result, stdout: null, stderr: null };
  const { stdout, stderr, shortened } = await log.text(maxTextBytes);
  if (!shortened) return { ...result, stdout, stderr };
  const sentence = `${shortenedStart} to its first ${formatSize(maxTextBytes)} a stream; the execution's events have all of it.`;
  return { ...result, stdout, stderr, truncated: true, errors: [...result.errors, sentence] };
}

/** The events of a log that nobody writes any more. */
export async function* readKeptEvents(
  path: string,
  options: { after?: number; signal?: AbortSignal; raw?: boolean } = {},
): AsyncGenerator<readonly ExecutionEvent[], void, undefined> {
  const log = await EventLog.read(path);
  try {
    yield* log.events(options);
  } finally {
    await log[Symbol.asyncDispose]();
  }
}
