import type { Readable } from 'node:stream';
import type Dockerode from 'dockerode';

export interface Ownership {
  readonly uid: number;
  readonly gid: number;
}

export interface PackOptions extends Ownership {
  /** Folder in the archive below which all lies, e.g. `solution`. Absent: the archive's root, whose `./` entry owns the target folder. */
  readonly prefix?: string;
}

/**
 * A tar archive of a folder of this host: its regular files and folders, owned by uid and gid. The stream is destroyed with SandboxError SANDBOX008 for
 * a link or special file, or a file that changes meanwhile.
 */
export declare function packFolder(path: string, options: PackOptions): Readable;

/**
 * The same archive written anew, once it is sure that no entry leaves the folder that it is meant for. Destroyed with SandboxError SANDBOX008 otherwise.
 * @param target where it will be unpacked, e.g. `/layers/python`
 */
export declare function checkedArchive(archive: AsyncIterable<Uint8Array>, target: string, owner: Ownership): Readable;

/** Unpacks an archive below a folder of a container that exists. @throws SandboxError SANDBOX008 from the archive, SANDBOX011 from the engine. */
export declare function putInto(
  container: Dockerode.Container,
  target: string,
  tar: Readable,
  signal?: AbortSignal,
): Promise<void>;
