import { SandboxError, describeLimit, sentenceOf } from '@ergon/sandbox-core';

/** The kernel refuses a memory limit that it can't keep (cgroup v1, EBUSY): in runc's words, which the engine passes on. */
export function isTooSmall(error: unknown): boolean {
  return /unable to set memory limit|device or resource busy/.test(sentenceOf(error));
}

/** @param inUse bytes; null: not known */
export function belowUse(memoryBytes: number, inUse: number | null): SandboxError {
  const use = inUse === null ? '' : `, ${describeLimit('memory', inUse)}`;
  const message = `memory_limit: ${describeLimit('memory', memoryBytes)} is below what the sandbox has in use now${use}.`;
  return new SandboxError('SANDBOX008', message, { field: 'memory_limit' });
}
