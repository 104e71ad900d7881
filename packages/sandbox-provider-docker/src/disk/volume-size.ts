import { randomUUID } from 'node:crypto';
import { sentenceOf } from '@ergon/sandbox-core';
import type Dockerode from 'dockerode';

/** DriverOpts of a local volume that the engine's own storage bounds. Enforced where `probeVolumeSize` says so; elsewhere the engine refuses to make it. */
export function sizedVolumeOptions(bytes: number): Record<string, string> {
  return { size: `${bytes}` };
}

/**
 * Whether the engine bounds local volumes by itself, with the project quotas of its storage (moby, `volume/local`: `size` alone, on a filesystem with prjquota): asked by making
 * one and removing it.
 *
 * @returns undefined when it does, otherwise the engine's reason
 */
export async function probeVolumeSize(
  docker: Dockerode,
  labels: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const name = `ergon-probe-${randomUUID()}`;
  try {
    await docker.createVolume({
      Name: name,
      Driver: 'local',
      DriverOpts: sizedVolumeOptions(1 << 20),
      Labels: { ...labels },
    });
  } catch (error) {
    return sentenceOf(error).trim();
  }
  await docker.getVolume(name).remove();
  return undefined;
}
