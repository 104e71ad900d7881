import { opendir } from 'node:fs/promises';

/** Whether a folder holds nothing at all; by its first name only, however many there are. Null: it can't be told. @param path finds it, or throws */
export async function isEmptyFolder(path: () => string): Promise<boolean | null> {
  try {
    const folder = await opendir(path(), { bufferSize: 1 });
    try {
      return (await folder.read()) === null;
    } finally {
      await folder.close();
    }
  } catch {
    return null; // its program may forbid to look, or it is gone: whoever wants to know looks by other means
  }
}
