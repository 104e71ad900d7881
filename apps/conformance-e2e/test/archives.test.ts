import { readTar, SandboxError, writeTar } from '@ergon/sandbox-core';
import type { SandboxFiles } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { browses } from './support/browses.js';
import { provesThatTheSuiteCatches } from './support/caught.js';
import { runSuite, type Create } from './support/run-suite.js';

/** Has both calls taken away, or one. */
function lacks(...names: readonly ('pack' | 'unpack')[]): Create {
  return (ports) =>
    new (class extends SandboxExecProvider {
      override files(sandboxId: string): SandboxFiles {
        const files = { ...super.files(sandboxId) };
        for (const name of names) Reflect.deleteProperty(files, name);
        return files;
      }
    })(ports);
}

/** Packs and unpacks by a plain tar(1), as a command of the sandbox. */
class UsesTar extends SandboxExecProvider {
  override files(sandboxId: string): SandboxFiles {
    return {
      ...super.files(sandboxId),
      pack: (path) => this.#tar(sandboxId, ['-c', '-C', path, '.']),
      unpack: async (path, tar) => {
        for await (const data of this.#tar(sandboxId, ['-x', '-C', path], tar)) {
          throw new Error(`tar wrote ${data.length} bytes`);
        }
      },
    };
  }

  async *#tar(
    sandboxId: string,
    words: readonly string[],
    stdin?: AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const options = { timeoutMs: 10_000, killGraceMs: 100, ...(stdin && { stdin }) };
    for await (const { stream, data } of super.execute(sandboxId, ['tar', ...words], options)) {
      if (stream === 'stdout') yield data;
    }
    const { exitCode } = await super.getResult(sandboxId);
    if (exitCode !== 0) throw new SandboxError('SANDBOX008', 'tar did not take it.');
  }
}

const bounds = { maxEntries: 10_000, maxBytes: 1 << 30 };

/** Puts each entry as it comes. */
const putsOneByOne = browses((files) => ({
  unpack: async (path, tar) => {
    for await (const entry of readTar(tar, bounds)) {
      const place = `${path}/${entry.path}`;
      if (entry.type === 'folder') {
        await files.makeDir(place);
        continue;
      }
      await files.makeDir(place.slice(0, place.lastIndexOf('/')));
      await files.write(place, entry.content, { mode: entry.mode });
    }
  },
}));

const packing = 'a folder is packed as a tar archive';
const packed = new RegExp(packing);

provesThatTheSuiteCatches([
  {
    that: 'packs and does not unpack',
    create: lacks('unpack'),
    caughtBy: packed,
    message: /A provider has both pack\(\) and unpack\(\), or none/,
  },
  {
    that: 'packs links as links',
    create: (ports) => new UsesTar(ports),
    caughtBy: packed,
    message: /pack\(\) gives every regular file and folder/,
  },
  {
    that: 'does not tell what it left out of an archive',
    create: browses((files) => ({ pack: (path) => files.pack(path) })),
    caughtBy: packed,
    message: /pack\(\) tells once, by `leftOut`/,
  },
  {
    that: 'packs files of any size',
    create: browses((files) => ({
      pack: (path, { leftOut } = {}) => files.pack(path, leftOut === undefined ? {} : { leftOut }),
    })),
    caughtBy: packed,
    message: /With `maxFileBytes`, pack\(\) leaves larger files out/,
  },
  {
    that: 'puts an archive in the place of what was there',
    create: browses((files) => ({
      unpack: async (path, tar) => {
        await files.remove(path).catch(() => undefined);
        await files.unpack(path, tar);
      },
    })),
    caughtBy: /an archive is put below a folder, which is made/,
    message: /beside what is there/,
  },
  {
    that: 'passes over what it does not take of an archive',
    create: browses((files) => ({
      unpack: (path, tar) => files.unpack(path, writeTar(readTar(tar, { ...bounds, skipped: () => undefined }))),
    })),
    caughtBy: /an archive with a link, or with a path that leads out/,
    message: /An archive with an unfit entry is refused/,
  },
  {
    that: 'puts what comes before an entry that it refuses',
    create: putsOneByOne,
    caughtBy: /an archive with a link, or with a path that leads out/,
    message: /Nothing is put of an archive that is refused/,
  },
  {
    that: 'puts what comes before the end of a source that fails',
    create: putsOneByOne,
    caughtBy: /an archive that is cut off, or whose source fails/,
    message: /Nothing is put of an archive that does not come to its end/,
  },
  {
    that: 'follows links when it packs and unpacks',
    create: (ports) => new UsesTar(ports),
    caughtBy: /archives neither leave nor come by a link/,
    message: /A link is refused with SANDBOX008 at every step of a path/,
  },
  {
    that: 'tells an archive that does not fit as a lost sandbox',
    create: browses((files) => ({
      unpack: (path, tar) =>
        files.unpack(path, tar).catch((cause: unknown) => {
          throw new SandboxError('SANDBOX011', 'The archive could not be put.', { cause });
        }),
    })),
    caughtBy: /an archive that does not fit is refused/,
    message: /What does not fit is refused with SANDBOX004/,
  },
]);

test('where a provider has neither of the two, tests on archives are told as not claimed', async () => {
  const { failures, report, left } = await runSuite(lacks('pack', 'unpack'), (name) => name.includes(packing));
  expect([...failures.values()]).toEqual([null, null]); // its own, and the one that reports
  expect(report.tests.filter(({ name }) => name.includes(packing))).toMatchObject([
    { outcome: 'not claimed', reason: 'archives of files: `pack` and `unpack`' },
  ]);
  expect(left).toEqual([]);
});
