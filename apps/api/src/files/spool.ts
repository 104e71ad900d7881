import { randomUUID } from 'node:crypto';
import { open, readdir, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type { Logger } from '@ergon/sandbox-core';

const maxZipBytes = 1024 ** 3;
const prefix = 'upload-';
const spoolName = new RegExp(`^${prefix}[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`);

/** Zip archives that come up: one can only be read once it is there as a whole, so each lies in the data folder, as a file without a name. */
export class Spools {
  #taken = 0;

  /** @param maxTotalBytes of all that are there, as far as they have come */
  constructor(
    private readonly folder: string,
    private readonly maxTotalBytes = 4 * maxZipBytes,
  ) {}

  /** Removes what a server left that was killed before its file had lost its name. To be called before anything is spooled. */
  static async sweep(folder: string, logger: Logger): Promise<void> {
    for (const name of await readdir(folder)) {
      if (!spoolName.test(name)) continue;
      const path = join(folder, name);
      await unlink(path).catch((error: unknown) => {
        logger.warn('What is left of an upload cannot be removed', { path, error: sentenceOf(error) });
      });
    }
  }

  /**
   * Takes a body whole, and the place of what came of it for as long as it is there: what is only announced takes none.
   * @param declared its size in bytes, 0 where that is not known
   * @throws SandboxError SANDBOX004 when it is too large, or with the others there is no place for it; what the body throws
   */
  async take(
    body: AsyncIterable<Uint8Array>,
    declared: number,
  ): Promise<AsyncDisposable & { /** For reading. */ readonly fd: number }> {
    this.#requirePlace(declared, 0);
    let bytes = 0;
    let file: FileHandle | null = null;
    const dispose = async (): Promise<void> => {
      this.#taken -= bytes;
      bytes = 0;
      await file?.close();
    };
    try {
      const path = join(this.folder, `${prefix}${randomUUID()}`);
      file = await open(path, 'wx+', 0o600);
      await unlink(path); // gone with this process, whatever happens
      for await (const chunk of body) {
        this.#requirePlace(bytes + chunk.length, bytes);
        bytes += chunk.length;
        this.#taken += chunk.length;
        await file.writeFile(chunk);
      }
      return { fd: file.fd, [Symbol.asyncDispose]: dispose };
    } catch (error) {
      await dispose();
      throw error;
    }
  }

  /** For one of so many bytes, of which some are there. */
  #requirePlace(bytes: number, present: number): void {
    if (bytes > maxZipBytes) {
      throw new SandboxError('SANDBOX004', `The zip archive is larger than ${maxZipBytes} bytes; a tar may be larger.`);
    }
    if (this.#taken - present + bytes > this.maxTotalBytes) {
      throw new SandboxError(
        'SANDBOX004',
        `The zip archives that are on their way to this server would have more than ${this.maxTotalBytes} bytes together; try again later, or send a tar.`,
      );
    }
  }
}
