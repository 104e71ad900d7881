/** Whose volumes: those that one user has on one server. */
export interface VolumeScope {
  /** Names the data folder of a server for as long as that is there, so that servers which share an engine share no volume. */
  readonly storeId: string;
  readonly ownerId: string;
}

/** What tells one volume from all others. */
export interface VolumeId extends VolumeScope {
  readonly solutionId: string;
  /** `[A-Za-z0-9][A-Za-z0-9_.-]*`, at most 64. */
  readonly name: string;
}

/** A named folder of a solution that outlives its sandboxes, all of which find it at one place. Made when the first asks for it. */
export interface SandboxVolume extends VolumeId {
  /** `/volumes/NAME` */
  readonly target: string;
}

/** A volume that is there. */
export interface Volume {
  readonly solutionId: string;
  readonly name: string;
  /** What it takes of the disk, in bytes. Null: not known, because it could not be counted in time. */
  readonly sizeBytes: number | null;
  /** What it may take, in bytes. Null: without a limit. */
  readonly limitBytes: number | null;
  /** ISO 8601, UTC. */
  readonly created: string;
  /** A sandbox has it. */
  readonly inUse: boolean;
}

/** The most that a solution has; each is as large as the provider lets it be. */
export const maxVolumes = 16;

/** Below which a sandbox finds its volumes. */
export const volumesFolder = '/volumes';
/** The name of the volume that `requires_persistence` asks for. */
export const persistentVolume = 'data';
