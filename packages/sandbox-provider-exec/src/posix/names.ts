import { SandboxError, isInstanceAlive } from '@ergon/sandbox-core';

/** Ids become names of folders and cgroups. */
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

export function assertSafeName(field: string, id: string): void {
  if (!SAFE_NAME.test(id)) {
    throw new SandboxError('SANDBOX008', `"${id}" cannot be a ${field}: only letters, digits, "-" and "_".`, { field });
  }
}

/** The word on the command line of every process that we start for a sandbox, by which a later start finds it. */
export function processMarker(instanceId: string, sandboxId: string): string {
  return `ergon-sandbox/${instanceId}/${sandboxId}`;
}

/** True when the server that this id names is known to be gone. */
export function makerIsDead(instanceId: string): boolean {
  return isInstanceAlive(instanceId) === false;
}
