import { isDeepStrictEqual } from 'node:util';
import { readTar } from '@ergon/sandbox-core';
import type { LeftOut, SandboxFiles, UnfitEntry } from '@ergon/sandbox-core';
import type { House } from '../../house.js';
import { equal } from '../../promises.js';
import type { TestSandbox } from '../../sandbox.js';
import { needsAll, needsLimit, part } from '../../suite.js';
import type { ConformanceTest, Gap } from '../../suite.js';
import { tar, tarOfLink } from '../../tar.js';
import { filesOf, mend, needsFiles, pieces, refusesWith, step } from './calls.js';

const unclaimed: Gap = { outcome: 'not claimed', reason: 'archives of files: `pack` and `unpack`' };

/** The body of a test on `pack` and `unpack`, which only a sandbox's files tell whether they are there. */
function withArchives(
  body: (sandbox: TestSandbox, files: Required<SandboxFiles>) => Promise<void>,
  own?: (house: House) => Promise<TestSandbox>,
): ConformanceTest['body'] {
  return async (house: House): Promise<Gap | null> => {
    const { sandbox, files } = await filesOf(house, await own?.(house));
    const has = [typeof files.pack, typeof files.unpack];
    if (isDeepStrictEqual(has, ['undefined', 'undefined'])) return unclaimed;
    equal(has, ['function', 'function'], {
      promise: 'A provider has both pack() and unpack(), or none.',
      mend: 'Add the one that is missing.',
    });
    await body(sandbox, files as Required<SandboxFiles>);
    return null;
  };
}

const bounds = { maxEntries: 1000, maxBytes: 1 << 20 };

/** Path, mode and text of each entry, by path; the text of a folder is null. An entry that is neither is told by what it is. */
async function entriesOf(archive: AsyncIterable<Uint8Array>): Promise<[string, number, string | null][]> {
  const entries: [string, number, string | null][] = [];
  const skipped = (why: UnfitEntry): void => void entries.push([`(${why})`, 0, null]);
  for await (const entry of readTar(archive, { ...bounds, skipped })) {
    const parts: Uint8Array[] = [];
    if (entry.type === 'file') for await (const piece of entry.content) parts.push(piece);
    entries.push([entry.path, entry.mode, entry.type === 'file' ? Buffer.concat(parts).toString() : null]);
  }
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}

async function drain(archive: AsyncIterable<Uint8Array>): Promise<void> {
  const pieces = archive[Symbol.asyncIterator]();
  while ((await pieces.next()).done !== true);
}

export const archives = part([
  {
    name: 'a folder is packed as a tar archive of the regular files and folders below it, and what is not in it is counted',
    shares: true,
    needs: needsFiles,
    body: withArchives(async (sandbox, files) => {
      await sandbox.sh(
        'mkdir -p packed/sub/empty; cd packed; printf one > a; printf three > sub/b; printf large > sub/c; chmod 750 a; chmod 640 sub/b sub/c; chmod 755 sub sub/empty; ln -s a link; mkfifo fifo; ln -s .. sub/up',
      );
      const told: LeftOut[] = [];
      const all = await step('pack()', () =>
        entriesOf(files.pack('/workspace/packed', { leftOut: (left) => told.push(left) })),
      );
      const folders = [
        ['sub', 0o755, null],
        ['sub/empty', 0o755, null],
      ];
      const regular = [
        ['a', 0o750, 'one'],
        ['sub/b', 0o640, 'three'],
        ['sub/c', 0o640, 'large'],
      ];
      equal(
        all,
        [...regular, ...folders].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
        {
          promise: 'pack() gives every regular file and folder, with its mode and a path relative to the folder.',
          mend: 'Leave links and special files out; neither follow nor store them.',
        },
      );
      const none = { special: 0, large: 0, unreadable: 0, changed: 0 };
      equal(told, [{ ...none, special: 3 }], {
        promise: 'pack() tells once, by `leftOut`, how many links and special files it left out.',
        mend: 'Count them, and call leftOut before the archive finishes.',
      });
      const small = await step('pack()', () =>
        entriesOf(files.pack('/workspace/packed', { maxFileBytes: 3, leftOut: (left) => told.push(left) })),
      );
      equal(
        [small.filter(([, , text]) => text !== null), told[1]],
        [[['a', 0o750, 'one']], { ...none, special: 3, large: 2 }],
        {
          promise: 'With `maxFileBytes`, pack() leaves larger files out, and counts them.',
          mend: 'Look at the size before a file is read.',
        },
      );
    }),
  },
  {
    name: 'an archive is put below a folder, which is made: folders that are there are kept, and files replaced',
    shares: true,
    needs: needsFiles,
    body: withArchives(async (sandbox, files) => {
      await sandbox.sh('mkdir -p put/sub; echo "old and longer" > put/a; echo kept > put/sub/kept');
      const archive = tar({ a: 'new\n', 'sub/b': 'b\n', 'deep/er/run.sh': '#!/bin/sh\necho ran\n' });
      await step('unpack()', () =>
        files.unpack('/workspace/put', pieces(archive.subarray(0, 700), archive.subarray(700))),
      );
      await step('unpack()', () => files.unpack('/output/made/for/it', pieces(tar({ c: 'c\n' }))));
      const run = await sandbox.sh(
        'cd put; cat a sub/b sub/kept "$OUTPUT_DIR/made/for/it/c"; deep/er/run.sh; echo more >> a; rm -r deep "$OUTPUT_DIR/made"; find . | sort',
      );
      equal([run.stdout, run.stderr], ['new\nb\nkept\nc\nran\n.\n./a\n./sub\n./sub/b\n./sub/kept\n', ''], {
        promise: "unpack() puts files and folders, with their modes, as the program's own, beside what is there.",
        mend: "Unpack aside as the sandbox's user, and move all in at the end.",
      });
    }),
  },
  {
    name: 'an archive with a link, or with a path that leads out, is refused with SANDBOX008, and nothing of it is put',
    shares: true,
    needs: needsFiles,
    body: withArchives(async (sandbox, files) => {
      const first = tar({ first: 'x' }).subarray(0, 1024); // without its end
      const unfit = [tarOfLink('link', '/etc'), tar({ '../escaped': 'x' }), tar({ '/workspace/absolute': 'x' })];
      for (const archive of unfit) {
        await refusesWith(
          files.unpack('/workspace/unfit', pieces(first, archive)),
          'SANDBOX008',
          'An archive with an unfit entry is refused.',
        );
      }
      const { stdout } = await sandbox.sh('ls -A unfit 2>/dev/null; ls -d escaped absolute 2>/dev/null');
      equal(stdout, '', { promise: 'Nothing is put of an archive that is refused.', mend });
    }),
  },
  {
    name: 'an archive that is cut off, or whose source fails, puts nothing',
    shares: true,
    needs: needsFiles,
    body: withArchives(async (sandbox, files) => {
      const archive = tar({ 'cut/a': 'a\n', 'cut/b': 'b\n' });
      await refusesWith(
        files.unpack('/workspace', pieces(archive.subarray(0, 1700))),
        'SANDBOX008',
        'An archive that is cut off is refused.',
      );
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield archive.subarray(0, 1700);
        throw new Error('the source failed');
      };
      const outcome = await files.unpack('/workspace', failing()).then(
        () => 'unpacked',
        () => 'refused',
      );
      const { stdout } = await sandbox.sh('ls -d cut 2>/dev/null');
      equal([outcome, stdout], ['refused', ''], {
        promise: 'Nothing is put of an archive that does not come to its end.',
        mend: 'Unpack aside, and move it in when all is there.',
      });
    }),
  },
  {
    name: 'archives neither leave nor come by a link that a program planted, nor from where nothing is',
    shares: true,
    needs: needsFiles,
    body: withArchives(async (sandbox, files) => {
      await sandbox.sh('mkdir real planted; echo secret > real/f; ln -s real linked; ln -s ../real planted/sub');
      const promise = 'A link is refused with SANDBOX008 at every step of a path, and never followed.';
      await refusesWith(drain(files.pack('/workspace/linked')), 'SANDBOX008', promise);
      await refusesWith(files.unpack('/workspace/linked', pieces(tar({ a: 'x' }))), 'SANDBOX008', promise);
      await refusesWith(files.unpack('/workspace/linked/below', pieces(tar({ a: 'x' }))), 'SANDBOX008', promise);
      await refusesWith(files.unpack('/workspace/planted', pieces(tar({ 'sub/a': 'x' }))), 'SANDBOX008', promise);
      await refusesWith(drain(files.pack('/etc')), 'SANDBOX008', 'A path outside of the two folders is refused.');
      await refusesWith(files.unpack('/etc', pieces(tar({ a: 'x' }))), 'SANDBOX008', 'A path outside is refused.');
      await refusesWith(drain(files.pack('/workspace/none')), 'SANDBOX012', 'What is not there is not packed.');
      const { stdout } = await sandbox.sh('ls -A real; readlink planted/sub');
      equal(stdout, 'f\n../real\n', { promise: 'Nothing is put where a link leads.', mend });
    }),
  },
  {
    name: 'an archive that does not fit is refused with SANDBOX004, and puts nothing',
    needs: needsAll(needsFiles, needsLimit('disk')),
    body: withArchives(
      async (sandbox, files) => {
        const much = async function* (): AsyncGenerator<Uint8Array> {
          for (let number = 0; number < 300; number++) {
            // The end of each is cut off, so that they are one archive.
            yield tar({ [`much/${number}`]: 'x'.repeat(100_000) }).subarray(0, -1024);
            await new Promise((resolve) => setTimeout(resolve, 2)); // a watchdog looks now and then
          }
          yield new Uint8Array(1024);
        };
        await refusesWith(
          files.unpack('/workspace', much()),
          'SANDBOX004',
          'What does not fit is refused with SANDBOX004.',
        );
        const run = await sandbox.sh('ls -d much 2>/dev/null; echo fits > f && cat f');
        equal(run.stdout, 'fits\n', { promise: 'Nothing stays of an archive that did not fit.', mend });
      },
      (house) => house.sandbox({ limits: { diskBytes: 8 << 20 } }),
    ),
  },
]);
