import { Readable } from 'node:stream';
import type { SandboxMount } from '@ergon/sandbox-core';
import { endOfArchive } from './archive/header.js';
import { checkedArchive, packFolder, type PackOptions } from './archive/index.js';

/**
 * One archive of all that a sandbox begins with, to be unpacked at the root: the solution, a copy of it in the workspace, an output folder,
 * what is mounted, and the owner of volumes, of which nothing else is touched. Each unpacking costs the engine a tenth of a second, so it is one.
 */
export function sandboxFiles(
  solution: string,
  mounts: readonly SandboxMount[],
  owner: Pick<PackOptions, 'uid' | 'gid'>,
  volumes: readonly string[] = [],
): Readable {
  const archives = function* (): Generator<Readable> {
    yield packFolder(solution, { ...owner, prefix: 'solution' });
    yield packFolder(solution, { ...owner, prefix: 'workspace' });
    for (const folder of ['/output', ...volumes]) {
      yield checkedArchive(Readable.from([endOfArchive]), { ...owner, prefix: folder.slice(1) }); // the folder itself
    }
    for (const { source, target } of mounts) {
      const options = { ...owner, prefix: target.slice(1) };
      yield 'folder' in source ? packFolder(source.folder, options) : checkedArchive(source.archive(), options);
    }
  };
  return Readable.from(joined(archives()), { objectMode: false });
}

/** Several archives as one: what follows an archive's end would not be read. */
async function* joined(archives: Iterable<Readable>): AsyncGenerator<Buffer> {
  for (const archive of archives) {
    let last = Buffer.alloc(0);
    for await (const chunk of archive as AsyncIterable<Buffer>) {
      const read = Buffer.concat([last, chunk]);
      const whole = Math.max(0, read.length - endOfArchive.length);
      if (whole > 0) yield read.subarray(0, whole);
      last = read.subarray(whole);
    }
  }
  yield endOfArchive;
}
