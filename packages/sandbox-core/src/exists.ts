import { stat } from 'node:fs/promises';
import { hasErrorCode } from './contract/error.js';

/** @throws Error what the file system says, but for ENOENT */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return false;
    throw error;
  }
}
