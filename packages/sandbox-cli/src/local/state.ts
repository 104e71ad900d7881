import { access, constants } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { sentenceOf } from '@ergon/sandbox-core';
import { Failure } from '../failure.js';
import { makeFolder } from '../make-folder.js';

/** Where local runs keep what they need while they last (XDG Base Directory: a relative path counts as not set). */
export function stateFolder(): string {
  const { XDG_STATE_HOME: given = '' } = process.env;
  return join(isAbsolute(given) ? given : join(homedir(), '.local', 'state'), 'ergon-sandbox', 'runs');
}

/** @throws Failure when nothing can be written there */
export async function makeStateFolder(): Promise<string> {
  const folder = stateFolder();
  try {
    await makeFolder(folder, 0o700);
    await access(folder, constants.W_OK | constants.X_OK);
    return folder;
  } catch (error) {
    throw new Failure(
      `The folder ${folder} cannot be written: ${sentenceOf(error)}.`,
      'Set XDG_STATE_HOME to a folder of yours that can.',
    );
  }
}
