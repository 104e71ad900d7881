import { access, constants, mkdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { hasErrorCode, sentenceOf } from '@ergon/sandbox-core';
import { Failure } from '../failure.js';

/** Where local runs keep what they need while they last (XDG Base Directory: a relative path counts as not set). */
export function stateFolder(): string {
  const { XDG_STATE_HOME: given = '' } = process.env;
  return join(isAbsolute(given) ? given : join(homedir(), '.local', 'state'), 'ergon-sandbox', 'runs');
}

/** @throws Failure when nothing can be written there */
export async function makeStateFolder(): Promise<string> {
  const folder = stateFolder();
  try {
    await makeFolder(folder);
    await access(folder, constants.W_OK | constants.X_OK);
    return folder;
  } catch (error) {
    throw new Failure(
      `The folder ${folder} cannot be written: ${sentenceOf(error)}.`,
      'Set XDG_STATE_HOME to a folder of yours that can.',
    );
  }
}

/** Folder by folder: Node's own `recursive` never ends below a folder that takes none, such as /proc. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST') && (await stat(folder)).isDirectory()) return;
    if (!hasErrorCode(error, 'ENOENT') || folder === dirname(folder)) throw error;
    await makeFolder(dirname(folder));
    await mkdir(folder, { mode: 0o700 }).catch((again: unknown) => {
      if (!hasErrorCode(again, 'EEXIST')) throw again; // another run made it meanwhile
    });
  }
}
