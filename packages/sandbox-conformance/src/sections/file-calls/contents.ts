import { hostile } from '../../programs-hostile.js';
import { equal, holds } from '../../promises.js';
import { needsAll, needsPython, part } from '../../suite.js';
import { filesOf, mend, needsFiles, pieces, read, refusesWith, shape, step, text } from './calls.js';

export const contents = part([
  {
    name: 'what a program wrote is listed, told and read; what is written, a program reads',
    shares: true,
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house);
      await sandbox.sh(
        'mkdir -p shown/sub; printf hello > shown/a; : > shown/empty; ln -s a shown/link; mkfifo shown/fifo; chmod 640 shown/a',
      );
      const { entries, truncated } = await step('list()', () => files.list('/workspace/shown'));
      equal(
        [entries.map(shape), truncated],
        [
          [
            ['a', 'file', 5],
            ['empty', 'file', 0],
            ['fifo', 'other', null],
            ['link', 'link', null],
            ['sub', 'folder', null],
          ],
          false,
        ],
        {
          promise: 'list() tells each entry with its name, type and size, by name; a link as a link.',
          mend: 'Look at the entries without following them (lstat).',
        },
      );
      const entry = await step('stat()', () => files.stat('/workspace/shown/a'));
      holds(
        entry.mode === 0o640 && Math.abs(entry.modifiedMs - Date.now()) < 3_600_000,
        {
          promise: 'stat() tells permission bits, and the time of the last change in ms.',
          mend: 'mode is st_mode & 0o7777, modifiedMs is in milliseconds since 1970.',
        },
        entry,
      );
      equal(await text(files, '/workspace/shown/a'), 'hello', { promise: 'read() gives the bytes of a file.', mend });
      await step('write()', () => files.write('/workspace/shown/written', pieces('from ', 'outside'), { mode: 0o755 }));
      await step('write()', () => files.write('/output/replaced', pieces('first, and longer')));
      await step('write()', () => files.write('/output/replaced', pieces('second')));
      const run = await sandbox.sh(
        'cat shown/written; echo; cat "$OUTPUT_DIR/replaced"; test -x shown/written && echo " x"; echo more >> shown/written; ls -A "$OUTPUT_DIR"',
      );
      equal([run.stdout, run.stderr], ['from outside\nsecond x\nreplaced\n', ''], {
        promise: "write() makes or replaces a file, with its mode, as the program's own.",
        mend: "Write as the sandbox's user, to a file aside, and rename it.",
      });
    },
  },
  {
    name: 'ranges, binary content and a large file',
    shares: true,
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house);
      const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 7 + (index >> 8)) & 255);
      await step('write()', () => files.write('/workspace/big', pieces(bytes.subarray(0, 1), bytes.subarray(1))));
      const back = await step('read()', () => read(files, '/workspace/big'));
      holds(back.equals(bytes), { promise: 'A file comes back as it was written.', mend }, `${back.length} bytes`);
      const ranges = [
        [0, 10],
        [1_000_000, 70_000],
        [2_999_990, 100],
        [3_000_000, 5],
        [5_000_000, 5],
        [10, 0],
      ] as const;
      for (const [offset, length] of ranges) {
        const part = await step('read()', () => read(files, '/workspace/big', { offset, length }));
        holds(
          part.equals(bytes.subarray(offset, offset + length)),
          {
            promise: 'read() gives `length` bytes from `offset`, less at the end, none beyond it.',
            mend,
          },
          { offset, length, got: part.length },
        );
      }
      const { stdout } = await sandbox.sh('wc -c < big; rm big');
      equal(stdout.trim(), '3000000', { promise: 'A program finds what was written.', mend });
    },
  },
  {
    name: 'folders are made with those above them, moved and removed; a file takes the place of a file, never of a folder',
    shares: true,
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house);
      await step('makeDir()', () => files.makeDir('/workspace/made/a/b'));
      await step('makeDir()', () => files.makeDir('/workspace/made/a'));
      await step('write()', () => files.write('/workspace/made/a/b/f', pieces('f')));
      await step('rename()', () => files.rename('/workspace/made/a/b/f', '/workspace/made/g'));
      await step('rename()', () => files.rename('/workspace/made/a', '/output/moved'));
      await step('write()', () => files.write('/workspace/made/h', pieces('h')));
      await step('rename()', () => files.rename('/workspace/made/h', '/workspace/made/g'));
      await refusesWith(
        files.rename('/workspace/made/g', '/output/moved'),
        'SANDBOX008',
        'A folder is not replaced by rename().',
      );
      await refusesWith(
        files.write('/output/moved', pieces('x')),
        'SANDBOX008',
        'A folder is not replaced by write().',
      );
      await refusesWith(files.write('/workspace/no/folder/f', pieces('x')), 'SANDBOX012', 'write() makes no folder.');
      await step('remove()', () => files.remove('/output/moved'));
      const { stdout } = await sandbox.sh('cd made && find . | sort; cat g; echo; ls -A "$OUTPUT_DIR" | grep moved');
      equal(stdout, '.\n./g\nh\n', { promise: 'makeDir(), rename() and remove() do what they say.', mend });
    },
  },
  {
    name: 'odd names: spaces, quotes, newlines, leading dashes, unicode; and such that are no UTF-8 are listed',
    needs: needsAll(needsFiles, needsPython),
    timeoutMs: 180_000, // dozens of calls, each a process: on an emulated machine they take a second and more
    body: async (house) => {
      const { sandbox, files } = await filesOf(house, await house.sandbox());
      const names = [
        'with space',
        `it's "odd" $HOME`,
        'new\nline',
        '-rf',
        'ünï 日本 🚀',
        '*',
        '\\',
        '%s',
        'x'.repeat(255),
      ];
      for (const name of names) await step('write()', () => files.write(`/workspace/${name}`, pieces(name)));
      for (const name of names) {
        equal(await text(files, `/workspace/${name}`), name, {
          promise: 'A name may hold anything but "/" and NUL.',
          mend,
        });
      }
      await sandbox.run([house.python, '-c', "open(b'\\xff\\xfe', 'w').close()"]);
      const { entries } = await step('list()', () => files.list('/workspace'));
      equal(entries.map(({ name }) => name).sort(), [...names, '\ufffd\ufffd'].sort(), {
        promise: 'Every entry is listed; bytes that are no UTF-8 read as U+FFFD.',
        mend: 'Separate names by something that a name cannot hold, and decode with replacement.',
      });
      for (const name of names) await step('remove()', () => files.remove(`/workspace/${name}`));
      const { stdout } = await sandbox.sh('ls -A | wc -l');
      equal(stdout.trim(), '1', { promise: 'remove() removes what it is asked for, and nothing else.', mend });
    },
  },
  {
    name: 'a long listing is cut where it was asked for, and says so',
    shares: true,
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house);
      await sandbox.sh('mkdir many; i=0; while [ $i -lt 300 ]; do i=$((i+1)); : > many/$i; done');
      const cut = await step('list()', () => files.list('/workspace/many', { limit: 100 }));
      const whole = await step('list()', () => files.list('/workspace/many'));
      equal([cut.entries.length, cut.truncated, whole.entries.length, whole.truncated], [100, true, 300, false], {
        promise: 'list() gives at most `limit` entries, and says when there are more.',
        mend,
      });
    },
  },
  {
    name: 'folders that are hard to remove are removed',
    needs: needsAll(needsFiles, needsPython),
    timeoutMs: 180_000, // dozens of calls, each a process: on an emulated machine they take a second and more
    body: async (house) => {
      const { sandbox, files } = await filesOf(house, await house.sandbox());
      await sandbox.run([house.python, '-c', hostile.stubbornFiles]);
      for (const name of ['d', 'locked', '-rf', 'new\nline'])
        await step('remove()', () => files.remove(`/workspace/${name}`));
      const { entries } = await step('list()', () => files.list('/workspace'));
      equal(
        entries.map(({ name }) => name),
        ['\ufffd\ufffd'],
        {
          promise: 'remove() removes nested folders, and such that forbid it to their owner.',
          mend: 'Make folders writable first, without following links, then use rm(1).',
        },
      );
    },
  },
]);
