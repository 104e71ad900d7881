import { constants } from 'node:fs';
import { mkdir, open, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { hasErrorCode, sentenceOf } from '@ergon/sandbox-core';
import type { SandboxRunner } from '@ergon/sandbox-core';
import { Failure } from '../failure.js';

type KeptOutput = Awaited<ReturnType<SandboxRunner['outputs']>>;

/**
 * Writes what a program left in /output below a folder; files of these names there are replaced, and no link is followed.
 * @returns how many files
 */
export async function writeOutput(output: KeptOutput, target: string): Promise<number> {
  try {
    await mkdir(target, { recursive: true });
    const root = await realpath(target);
    for (const { path, mode } of output.entries) {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      if (!`${await realpath(dirname(file))}${sep}`.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) {
        throw new Failure(`${dirname(file)} leads out of ${target} by a link.`);
      }
      await writeFile(file, output.read(path), mode & 0o777);
    }
    return output.entries.length;
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`The output cannot be written to ${target}: ${sentenceOf(error)}.`);
  }
}

async function writeFile(path: string, bytes: AsyncIterable<Uint8Array>, mode: number): Promise<void> {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const file = await open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode).catch((error: unknown) => {
    throw hasErrorCode(error, 'ELOOP') ? new Failure(`${path} is a link, which is not followed.`) : error;
  });
  try {
    for await (const piece of bytes) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}
