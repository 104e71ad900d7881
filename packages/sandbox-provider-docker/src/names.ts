import { SandboxError } from '@ergon/sandbox-core';
import type { SandboxConfig } from '@ergon/sandbox-core';

const PREFIX = 'org.ergon.sandbox';

/** Labels of everything that a sandbox has in the engine, by which it is found again. */
export const LABEL = {
  instance: `${PREFIX}.instance`,
  sandbox: `${PREFIX}.sandbox`,
  owner: `${PREFIX}.owner`,
  role: `${PREFIX}.role`,
} as const;

export type Role = 'run' | 'keeper' | 'volume' | 'network' | 'service';

/** Ids become parts of names. */
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

export function assertSafeName(field: string, id: string): void {
  if (!SAFE_NAME.test(id)) {
    throw new SandboxError('SANDBOX008', `"${id}" cannot be a ${field}: only letters, digits, "-" and "_".`, { field });
  }
}

export function labelsOf(
  { instanceId, sandboxId, ownerId }: Pick<SandboxConfig, 'instanceId' | 'sandboxId' | 'ownerId'>,
  role: Role,
): Record<string, string> {
  return {
    [LABEL.instance]: instanceId,
    [LABEL.sandbox]: sandboxId,
    [LABEL.owner]: ownerId,
    [LABEL.role]: role,
  };
}

export function nameOf(sandboxId: string, part: string): string {
  return `ergon-${sandboxId}-${part}`;
}

/** Whether this is made by us, for a sandbox: labels alone say nothing, for an image that somebody makes of a container has them too, and so all that runs of it. */
export function isOurs(name: string, labels: Readonly<Record<string, string>>): boolean {
  const sandboxId = labels[LABEL.sandbox] ?? '';
  return SAFE_NAME.test(sandboxId) && name.startsWith(nameOf(sandboxId, ''));
}
