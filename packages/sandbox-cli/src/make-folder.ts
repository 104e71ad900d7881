import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasErrorCode } from '@ergon/sandbox-core';

/** Makes a folder and those that it needs, if it is not there. Node's own `recursive` never ends below a folder that takes none, such as /proc. */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST') && (await stat(folder)).isDirectory()) return;
    if (!hasErrorCode(error, 'ENOENT') || folder === dirname(folder)) throw error;
    await makeFolder(dirname(folder), mode);
    await mkdir(folder, { mode }).catch((again: unknown) => {
      if (!hasErrorCode(again, 'EEXIST')) throw again; // another made it meanwhile
    });
  }
}
