import { hasErrorCode, sentenceOf } from '../contract/error.js';
import type { ExecuteOptions } from '../contract/provider.js';
import type { ReportSink } from '../contract/report.js';
import type { SandboxProcess } from './process.js';

/** Passes the given input on. A program that closes its stdin, or ends, ends the feeding. */
export async function feed(process: SandboxProcess, options: ExecuteOptions, report: ReportSink): Promise<void> {
  const { stdin } = options;
  if (stdin === undefined) return;
  let ended = false;
  const end = process.ended.then(() => {
    ended = true;
  });
  const iterator = stdin[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), end]);
      if (ended || next === undefined) break;
      if (next.done === true) break;
      await Promise.race([process.write(next.value), end]);
    }
    if (!ended) await process.closeInput();
  } catch (error) {
    if (!hasErrorCode(error, 'EPIPE')) report({ type: 'notice', message: `stdin was cut off: ${sentenceOf(error)}` });
    // Else the program would wait for the rest. Where it closed its stdin itself, there is nothing to close.
    await Promise.race([process.closeInput().catch(() => undefined), end]);
  } finally {
    // Not awaited: an input that waits for its own source would hold the end of the run.
    void iterator.return?.().catch(() => undefined);
  }
}

/** Passes new sizes of the terminal on, until the process has ended. */
export async function resize(process: SandboxProcess, options: ExecuteOptions, report: ReportSink): Promise<void> {
  const iterator = options.tty?.resizes?.[Symbol.asyncIterator]();
  if (iterator === undefined) return;
  const end = process.ended.then(() => null);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), end]);
      if (next === null || next.done === true) break;
      await Promise.race([process.resize?.(next.value), end]);
    }
  } catch (error) {
    report({ type: 'notice', message: `The terminal could not be resized: ${sentenceOf(error)}` });
  } finally {
    void iterator.return?.().catch(() => undefined); // not awaited, as above
  }
}
