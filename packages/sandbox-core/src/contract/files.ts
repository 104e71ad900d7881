/** What lies at a path of a sandbox. A link is told as one and never followed; `other`: a FIFO, a socket, a device. */
export interface FileEntry {
  /** Its last segment; bytes that are no UTF-8 read as U+FFFD, and such a name can't be addressed. */
  readonly name: string;
  readonly type: 'file' | 'folder' | 'link' | 'other';
  /** In bytes; of a file. Null: of anything else. */
  readonly bytes: number | null;
  /** Permission bits, e.g. `0o644`. */
  readonly mode: number;
  /** Of its last change, ms since 1970-01-01 UTC; whole seconds are enough. */
  readonly modifiedMs: number;
}

export interface FolderListing {
  /** By name. */
  readonly entries: readonly FileEntry[];
  /** There are more than were asked for. */
  readonly truncated: boolean;
}

export interface FileCallOptions {
  readonly signal?: AbortSignal;
}

/** What of a folder is not in its archive, or not as it was, counted. */
export interface LeftOut {
  /** Links, FIFOs, sockets and devices. */
  readonly special: number;
  /** Files over `maxFileBytes`. */
  readonly large: number;
  /** Files and folders that can't be read: for their permissions, or for too long a path. */
  readonly unreadable: number;
  /** Files that changed while they were read: they are in it, with something of before and of after. */
  readonly changed: number;
}

/**
 * The files of one sandbox, before, while and after its commands run. Paths are as its programs see them: `/workspace`, `/output` and what
 * is below; without `.`, `..`, empty segments or NUL, else SANDBOX008. Links that the program planted are refused at every step of a path
 * (SANDBOX008), never followed. All calls throw SANDBOX006 for a sandbox that is gone, SANDBOX012 where nothing is at the path, and
 * SANDBOX004 where the disk limit leaves no room. `pack` and `unpack` came later: a provider without them is asked for nothing.
 */
export interface SandboxFiles {
  /** @param options.limit most entries to return. @default 10000 */
  list(path: string, options?: FileCallOptions & { readonly limit?: number }): Promise<FolderListing>;
  stat(path: string, options?: FileCallOptions): Promise<FileEntry>;
  /** A regular file's bytes from `offset` (default 0), at most `length` of them (default: all). */
  read(
    path: string,
    options?: FileCallOptions & { readonly offset?: number; readonly length?: number },
  ): AsyncIterable<Uint8Array>;
  /** Makes or replaces a file, whole or not at all; its folder has to be there. @param options.mode @default 0o644 */
  write(
    path: string,
    data: AsyncIterable<Uint8Array>,
    options?: FileCallOptions & { readonly mode?: number },
  ): Promise<void>;
  /** Makes a folder, and those above it. One that is there is left as it is. */
  makeDir(path: string, options?: FileCallOptions): Promise<void>;
  /** Moves a file or a folder; a file takes the place of another. SANDBOX008: there is a folder, or a file where a folder is to go. */
  rename(from: string, to: string, options?: FileCallOptions): Promise<void>;
  /** Removes a file, a link or a folder with all in it. SANDBOX008 for `/workspace` and `/output` themselves. */
  remove(path: string, options?: FileCallOptions): Promise<void>;
  /**
   * A tar archive of all regular files and folders below a folder, with paths relative to it, made by one process of the sandbox: hostile,
   * to be read by `readTar` only. A file with several names is there under each. Finishes with all that could be read.
   * A program that swaps folders for links meanwhile may so have files packed that it can read itself, elsewhere in its sandbox.
   * @param options.leftOut called before it finishes
   * @param options.maxFileBytes larger files are left out. @default all are taken, holes as zeros
   * @param options.maxEntries of any type, links too; where there are more, nothing is packed. A program may make more meanwhile, and a
   *   provider may not know this option: whoever reads the archive keeps bounds of its own. @default any number
   * @throws SandboxError SANDBOX004 for more than `maxEntries`; SANDBOX009 where the sandbox has no tar(1)
   */
  pack?(
    path: string,
    options?: FileCallOptions & {
      readonly maxFileBytes?: number;
      readonly maxEntries?: number;
      readonly leftOut?: (left: LeftOut) => void;
    },
  ): AsyncIterable<Uint8Array>;
  /**
   * Puts the regular files and folders of a tar archive below a folder, which is made where it is missing; at most 100,000 of them.
   * Folders that are there are kept, files that are there are replaced. When it rejects, nothing was put there, unless what failed was the
   * moving in, at the very end, for want of room or because a program changed the same folders meanwhile; nor is a folder left that was made.
   * @throws SandboxError SANDBOX008 where the archive has a link or another unfit entry, or one of its paths is taken by something else;
   *   SANDBOX009 where the sandbox has no tar(1)
   */
  unpack?(path: string, tar: AsyncIterable<Uint8Array>, options?: FileCallOptions): Promise<void>;
}
