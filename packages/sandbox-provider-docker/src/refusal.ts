import { isSandboxError, SandboxError, sentenceOf, type SandboxTemplate } from '@ergon/sandbox-core';
import type { ImageFacts } from './container/config.js';

/** What of a request an engine's failure to start its container is about, where that can be told. */
export function refusalOf(error: unknown, { limits }: SandboxTemplate, image: ImageFacts, arch: string): unknown {
  if (isSandboxError(error) && error.field !== undefined) return error; // it says so itself
  const said = sentenceOf(error);
  // runc's words: RLIMIT_NOFILE is 7.
  if (/rlimit type 7\b|RLIMIT_NOFILE/.test(said)) {
    const message = `The Docker engine's own limit of open files is less than ${limits.openFiles}.`;
    return new SandboxError('SANDBOX008', message, { field: 'open_files', cause: error });
  }
  if (image.arch !== arch && /exec format error/i.test(said)) {
    const message =
      `The image "${image.reference}" is for linux/${image.arch}, and the Docker engine runs linux/${arch}. ` +
      `Get the one for it: "docker pull --platform linux/${arch === 'x64' ? 'amd64' : arch} ${image.reference}".`;
    return new SandboxError('SANDBOX009', message, { field: 'image', cause: error });
  }
  return error;
}
