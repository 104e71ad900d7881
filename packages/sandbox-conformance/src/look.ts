import { lstat, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** All that work on a folder would change, at any depth: names, types and modes, owners, contents. Follows no link. */
export async function lookOf(folder: string): Promise<readonly (readonly (string | number)[])[]> {
  const names = ['.', ...(await readdir(folder, { recursive: true })).sort()];
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const stats = await lstat(path);
      return [name, stats.mode, stats.uid, stats.gid, stats.isFile() ? await readFile(path, 'utf8') : ''];
    }),
  );
}
