import { createHash } from 'node:crypto';
import { SandboxError, volumeNameField, volumesFolder } from '@ergon/sandbox-core';
import type { SandboxVolume, VolumeId, VolumeScope } from '@ergon/sandbox-core';

const PREFIX = 'org.ergon.sandbox.volume';

/** Labels of a volume that outlives its sandboxes. It has none of an instance or a sandbox, so that nothing that removes what those left finds it. */
export const VOLUME_LABEL = {
  store: `${PREFIX}.store`,
  owner: `${PREFIX}.owner`,
  solution: `${PREFIX}.solution`,
  name: `${PREFIX}.name`,
  /** The uid of its files, and of all programs that have it. */
  user: `${PREFIX}.user`,
  /** ISO 8601, UTC. */
  created: `${PREFIX}.created`,
} as const;

/** One volume's name in the engine. Solutions have ids of any characters. */
export function engineNameOf({ storeId, ownerId, solutionId, name }: VolumeId): string {
  const digest = createHash('sha256').update(JSON.stringify([storeId, ownerId, solutionId, name]));
  return `ergon-volume-${digest.digest('hex').slice(0, 40)}`;
}

/** The labels by which an engine finds the volumes of a scope. */
export function labelsOfScope({ storeId, ownerId }: VolumeScope, solutionId?: string): Record<string, string> {
  return {
    [VOLUME_LABEL.store]: storeId,
    [VOLUME_LABEL.owner]: ownerId,
    ...(solutionId !== undefined && { [VOLUME_LABEL.solution]: solutionId }),
  };
}

/** @throws SandboxError SANDBOX008 for volumes that no runner asks for: of several solutions, two of a name, at other places */
export function assertVolumes(volumes: readonly SandboxVolume[]): void {
  const taken = new Set<string>();
  for (const { name, target, ...scope } of volumes) {
    const isFit = volumeNameField.safeParse(name).success && target === `${volumesFolder}/${name}`;
    if (!isFit || taken.has(name) || !isSameSolution(scope, volumes[0])) {
      const message = `"${name.slice(0, 100)}" at "${target.slice(0, 200)}" can't be a volume of this sandbox; each has a name of its own, NAME, and lies at ${volumesFolder}/NAME.`;
      throw new SandboxError('SANDBOX008', message, { field: 'volumes' });
    }
    taken.add(name);
  }
}

function isSameSolution(one: Omit<VolumeId, 'name'>, other: VolumeId | undefined): boolean {
  return one.storeId === other?.storeId && one.ownerId === other.ownerId && one.solutionId === other.solutionId;
}
