import type { Readable } from 'node:stream';
import { SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';

/**
 * Unpacks an archive below a folder of a container, or of a volume mounted there; the container need not run. Consumes the archive, or destroys it. What was unpacked
 * before a failure stays.
 *
 * @throws the archive's own error; the signal's reason; SandboxError SANDBOX011 for what the engine says
 */
export async function putInto(
  container: Dockerode.Container,
  target: string,
  tar: Readable,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  // The stream's own error comes first, whatever it made of the request; an archive that closes without one would leave the request open for ever.
  const request = new AbortController();
  const fail = (error: unknown): void => request.abort(error);
  const aborted = (): void => fail(signal?.reason);
  tar.on('error', fail);
  tar.once('close', () => {
    if (!tar.readableEnded)
      fail(new SandboxError('SANDBOX008', `The archive for ${target} was closed before its end.`));
  });
  signal?.addEventListener('abort', aborted, { once: true });
  try {
    await container.putArchive(tar, { path: target, abortSignal: request.signal });
  } catch (error) {
    request.signal.throwIfAborted();
    throw new SandboxError(
      'SANDBOX011',
      `The engine did not take the files for ${target}: ${sentenceOf(error).trim()}.`,
      { cause: error },
    );
  } finally {
    signal?.removeEventListener('abort', aborted);
    tar.destroy();
  }
}
