import { randomUUID } from 'node:crypto';
import { open, readdir, rm, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError } from '@ergon/sandbox-core';

const maxZipBytes = 1024 ** 3;
/** Of all that are on their way. */
const maxTotalBytes = 4 * maxZipBytes;
const prefix = 'upload-';

/** Zip archives that come up: one can only be read once it is there as a whole, so each lies in the data folder, as a file without a name. */
export class Spools {
  #taken = 0;

  constructor(private readonly folder: string) {}

  /** Removes what a server left that was killed before its file had lost its name. To be called before anything is spooled. */
  static async sweep(folder: string): Promise<void> {
    for (const name of await readdir(folder)) {
      if (name.startsWith(prefix)) await rm(join(folder, name), { force: true });
    }
  }

  /**
   * Takes a body whole, and its place for as long as it is there.
   * @param declared its size in bytes, 0 where that is not known
   * @throws SandboxError SANDBOX004 when it is too large, or with the others there is no place for it; what the body throws
   */
  async take(
    body: AsyncIterable<Uint8Array>,
    declared: number,
  ): Promise<AsyncDisposable & { /** For reading. */ readonly fd: number }> {
    let reserved = 0;
    const reserve = (bytes: number): void => {
      requirePlace(bytes, this.#taken - reserved);
      this.#taken += bytes - reserved;
      reserved = bytes;
    };
    reserve(declared);
    let file: FileHandle | null = null;
    const dispose = async (): Promise<void> => {
      this.#taken -= reserved;
      reserved = 0;
      await file?.close();
    };
    try {
      const path = join(this.folder, `${prefix}${randomUUID()}`);
      file = await open(path, 'wx+', 0o600);
      await unlink(path); // gone with this process, whatever happens
      let bytes = 0;
      for await (const chunk of body) {
        bytes += chunk.length;
        if (bytes > reserved) reserve(bytes);
        await file.writeFile(chunk);
      }
      return { fd: file.fd, [Symbol.asyncDispose]: dispose };
    } catch (error) {
      await dispose();
      throw error;
    }
  }
}

function requirePlace(bytes: number, taken: number): void {
  if (bytes > maxZipBytes) {
    throw new SandboxError('SANDBOX004', `The zip archive is larger than ${maxZipBytes} bytes; a tar may be larger.`);
  }
  if (taken + bytes > maxTotalBytes) {
    throw new SandboxError(
      'SANDBOX004',
      `The zip archives that are on their way to this server would have more than ${maxTotalBytes} bytes together; try again later, or send a tar.`,
    );
  }
}
