import { SandboxError, hasErrorCode, isSandboxError, sentenceOf } from '@ergon/sandbox-core';

/** What the engine answered, or why it did not: `status` is null when there was no answer. */
export class EngineFailure extends SandboxError {
  readonly status: number | null;

  constructor(doing: string, cause: unknown) {
    const status = statusOf(cause);
    const said = status === null ? silence(cause) : `The Docker engine refused: ${answerOf(cause)}`;
    super('SANDBOX011', `Could not ${doing}. ${said}`, { cause });
    this.status = status;
  }
}

/** By shape, since two copies of this package may meet. */
export function isEngineFailure(error: unknown): error is EngineFailure {
  return isSandboxError(error) && 'status' in error;
}

export function hasStatus(error: unknown, status: number): boolean {
  return isEngineFailure(error) && error.status === status;
}

function statusOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return null;
  return typeof error.statusCode === 'number' ? error.statusCode : null;
}

/** Paths of the engine's host, which are nobody's business: those of cgroups, and of what it keeps for a container. */
export function withoutHostPaths(text: string): string {
  return text.replace(/(?:\/[^\s/:"']+)+/g, (path) =>
    /^\/sys\/fs\/cgroup\/|^\/var\/lib\/docker\/|\/volumes\/|[0-9a-f]{64}/.test(path) ? '…' : path,
  );
}

/** The engine's own words. dockerode wraps them: `(HTTP code 404) no such container - No such container: x `. */
export function engineWords(error: unknown): string {
  return sentenceOf(error).replace(/^\(HTTP code \d+\) .*? - /, '');
}

/** On one line. */
function answerOf(error: unknown): string {
  const text = withoutHostPaths(engineWords(error)).replace(/\s+/g, ' ').trim();
  return text.length > 500 ? `${text.slice(0, 500)}…` : text.replace(/([^.!?])$/, '$1.');
}

function silence(error: unknown): string {
  if (hasErrorCode(error, 'ENOENT') || hasErrorCode(error, 'ECONNREFUSED')) return 'No Docker engine answers.';
  if (hasErrorCode(error, 'EACCES') || hasErrorCode(error, 'EPERM')) {
    return "This user has no permission to speak to the Docker engine's socket.";
  }
  return `The Docker engine did not answer: ${sentenceOf(error).trim().replace(/\.?$/, '.')}`;
}
