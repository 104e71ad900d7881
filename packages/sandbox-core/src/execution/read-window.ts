import type { FileHandle } from 'node:fs/promises';
import { blockSize, wholeBlocks } from './block.js';

/** A reader's own view of the file, so that late readers cost a fixed amount of memory each. */
export class ReadWindow {
  #buffer: Buffer | null = null;

  /**
   * The whole blocks at `offset`, as many as fit, from what lies before `end`; none where no whole block is. They are good until the
   * next call.
   */
  async read(file: FileHandle, offset: number, end: number): Promise<readonly Buffer[]> {
    const window = (this.#buffer ??= Buffer.allocUnsafeSlow(512 * 1024));
    const bytes = await fill(file, window, offset, end);
    const blocks = wholeBlocks(bytes);
    const needed = blockSize(bytes, 0);
    if (blocks.length > 0 || needed <= window.length || offset + needed > end) return blocks;
    this.#buffer = Buffer.allocUnsafeSlow(needed);
    return wholeBlocks(await fill(file, this.#buffer, offset, end));
  }
}

async function fill(file: FileHandle, buffer: Buffer, offset: number, end: number): Promise<Buffer> {
  const wanted = Math.min(buffer.length, end - offset);
  let filled = 0;
  while (filled < wanted) {
    const { bytesRead } = await file.read(buffer, filled, wanted - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
