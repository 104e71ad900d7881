import { Transform, type Readable } from 'node:stream';
import { SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';
import { MAKE_MS } from '../engine/bounded.js';
import { withoutHostPaths } from '../engine/errors.js';

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
  const stuck = setTimeout(() => {
    fail(new SandboxError('SANDBOX011', `The files for ${target} made no progress for ${MAKE_MS / 1000} s.`));
  }, MAKE_MS);
  const moving = new Transform({
    transform: (chunk, _, passOn) => {
      stuck.refresh();
      passOn(null, chunk);
    },
  });
  try {
    await container.putArchive(tar.pipe(moving), { path: target, abortSignal: request.signal });
  } catch (error) {
    request.signal.throwIfAborted();
    throw new SandboxError(
      'SANDBOX011',
      `The engine did not take the files for ${target}: ${withoutHostPaths(sentenceOf(error).trim())}.`,
      { cause: error },
    );
  } finally {
    clearTimeout(stuck);
    signal?.removeEventListener('abort', aborted);
    tar.destroy();
    moving.destroy();
  }
}
