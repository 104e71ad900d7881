import type { Duplex } from 'node:stream';
import { SandboxError } from '@ergon/sandbox-core';

/** More than a shell says before it is ready. */
const LONGEST_GREETING = 4096;

/**
 * Waits until a shell's connection, framed or not, says these words; what follows is left for whoever reads on.
 *
 * @param over destroys the connection
 * @throws SandboxError SANDBOX011 with what it says instead
 */
export async function saying(socket: Duplex, words: RegExp, over: AbortSignal): Promise<RegExpExecArray> {
  const end = (): unknown => socket.destroy();
  over.addEventListener('abort', end);
  if (over.aborted) end();
  return new Promise<RegExpExecArray>((resolve, reject) => {
    let said = '';
    const look = (chunk: Buffer): void => {
      said += chunk.toString('latin1');
      const found = words.exec(said);
      if (found !== null) {
        stop();
        resolve(found);
      } else if (said.length > LONGEST_GREETING) {
        fail();
        end();
      }
    };
    const fail = (): void => {
      stop();
      const what = said
        .slice(0, 200)
        .replace(/[^ -~]+/g, ' ')
        .trim();
      reject(new SandboxError('SANDBOX011', `No shell could be started in the container: ${what || 'it ended'}.`));
    };
    const stop = (): void => {
      socket.off('data', look).off('close', fail).off('end', fail).pause();
    };
    socket.on('data', look).on('close', fail).on('end', fail).resume();
    if (socket.destroyed) fail();
  }).finally(() => over.removeEventListener('abort', end));
}
