import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileEntry, SandboxErrorCode, SandboxFiles } from '@ergon/sandbox-core';
import { equal, holds, refuses, succeeds, within } from '../promises.js';
import type { House } from '../house.js';
import type { TestSandbox } from '../sandbox.js';
import { hostSecret } from '../secret.js';
import { needsAll, needsClaim, needsGiven, needsLimit, needsPython, section } from '../suite.js';
import type { Section } from '../suite.js';
import { hostile } from '../programs-hostile.js';

const needsFiles = needsClaim('files', ({ capabilities }) => capabilities.files);

export const fileCalls: Section = section('Calls to files', [
  {
    name: 'where they are not claimed, files() is refused with SANDBOX009',
    needs: needsGiven('files are claimed', ({ capabilities }) => !capabilities.files),
    body: async ({ provider }) => {
      await refuses(async () => provider.files('any'), ['SANDBOX009'], {
        promise: 'files() is refused where it is not supported.',
        mend: 'Leave it to the base class.',
      });
    },
  },
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
    name: 'a path that is not below /workspace or /output, or has odd segments, is refused with SANDBOX008',
    shares: true,
    needs: needsFiles,
    body: async (house) => {
      const { files } = await filesOf(house);
      const paths = [
        '',
        '/',
        '/etc/passwd',
        '/solution/main.txt',
        '/tmp/x',
        'workspace/x',
        '/workspacex',
        '/workspace/../etc/passwd',
        '/workspace/a/../../etc',
        '/workspace/./x',
        '/workspace//x',
        '/workspace/x/',
        '/workspace/a\0b',
        '/output/..',
      ];
      const promise = 'A path is refused unless it is /workspace or /output and plain names below.';
      for (const path of paths) {
        await refusesWith(files.list(path), 'SANDBOX008', promise, path);
        await refusesWith(files.stat(path), 'SANDBOX008', promise, path);
        await refusesWith(read(files, path), 'SANDBOX008', promise, path);
        await refusesWith(files.write(path, pieces('x')), 'SANDBOX008', promise, path);
        await refusesWith(files.makeDir(path), 'SANDBOX008', promise, path);
        await refusesWith(files.remove(path), 'SANDBOX008', promise, path);
        await refusesWith(files.rename('/workspace/x', path), 'SANDBOX008', promise, path);
      }
      for (const root of ['/workspace', '/output']) {
        await refusesWith(files.remove(root), 'SANDBOX008', 'The two folders themselves cannot be removed.', root);
      }
    },
  },
  {
    name: 'links that a program planted are never followed: to files, to folders, to the other folder, dangling, in circles',
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house, await house.sandbox({ files: { 'main.txt': 'main' } }));
      // Made for it: calls that do follow links must not harm the machine of their author.
      const victim = await house.solution({ f: 'precious' });
      await sandbox.sh(
        'mkdir real; echo secret > real/f; ln -s "$1/f" file; ln -s real folder; ln -s "$OUTPUT_DIR" other; ln -s real/f f; ln -s loop loop; ln -s nowhere dangling; ln -s "$1" host',
        {},
        [victim],
      );
      const promise = 'A link is refused with SANDBOX008 at every step of a path, and never followed.';
      for (const name of ['file', 'folder', 'other', 'f', 'loop', 'dangling', 'host']) {
        const path = `/workspace/${name}`;
        await refusesWith(read(files, path), 'SANDBOX008', promise, path);
        await refusesWith(files.write(path, pieces('x')), 'SANDBOX008', promise, path);
        await refusesWith(files.write(`${path}/made`, pieces(hostSecret.value)), 'SANDBOX008', promise, path);
      }
      const path = '/workspace/folder';
      await refusesWith(files.list(path), 'SANDBOX008', promise, path);
      await refusesWith(read(files, `${path}/f`), 'SANDBOX008', promise, path);
      await refusesWith(files.stat(`${path}/f`), 'SANDBOX008', promise, path);
      await refusesWith(files.makeDir(`${path}/made`), 'SANDBOX008', promise, path);
      await refusesWith(files.remove(`${path}/f`), 'SANDBOX008', promise, path);
      await refusesWith(files.rename(`${path}/f`, '/workspace/moved'), 'SANDBOX008', promise, path);
      await refusesWith(files.rename('/workspace/main.txt', `${path}/moved`), 'SANDBOX008', promise, path);
      equal((await step('stat()', () => files.stat(path))).type, 'link', {
        promise: 'stat() tells a link as a link.',
        mend,
      });
      await step('remove()', () => files.remove('/workspace/folder'));
      const { stdout } = await sandbox.sh(
        'cat real/f; ls -A "$OUTPUT_DIR"; ls -A real; ls -d folder 2>/dev/null; readlink f',
      );
      const host = [await readdir(victim), await readFile(join(victim, 'f'), 'utf8')];
      equal([stdout, host], ['secret\nf\nreal/f\n', [['f'], 'precious']], {
        promise: 'remove() of a link removes the link; nothing changes where links lead.',
        mend: "Open each step with O_NOFOLLOW, or work as the sandbox's user inside of its mounts.",
      });
    },
  },
  {
    name: 'FIFOs and devices are refused and never opened; what is not there is SANDBOX012',
    shares: true,
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house);
      await sandbox.sh('mkfifo pipe; echo x > plain');
      const promise = 'What is no regular file is refused at once, and not waited for.';
      await refusesWith(read(files, '/workspace/pipe'), 'SANDBOX008', promise);
      await refusesWith(files.write('/workspace/pipe', pieces('x')), 'SANDBOX008', promise);
      await refusesWith(read(files, '/workspace'), 'SANDBOX008', promise);
      await refusesWith(files.list('/workspace/plain'), 'SANDBOX008', 'A file is not listed.');
      await refusesWith(read(files, '/workspace/plain/x'), 'SANDBOX008', 'Nothing is below a file.');
      const missing = 'Where nothing is at the path, the call is refused with SANDBOX012.';
      await refusesWith(read(files, '/workspace/none'), 'SANDBOX012', missing);
      await refusesWith(files.stat('/output/none/none'), 'SANDBOX012', missing);
      await refusesWith(files.list('/workspace/none'), 'SANDBOX012', missing);
      await refusesWith(files.remove('/workspace/none'), 'SANDBOX012', missing);
      await refusesWith(files.rename('/workspace/none', '/workspace/some'), 'SANDBOX012', missing);
    },
  },
  {
    name: 'odd names: spaces, quotes, newlines, leading dashes, unicode; and such that are no UTF-8 are listed',
    needs: needsAll(needsFiles, needsPython),
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
    name: 'they work while a program runs, and do not disturb it',
    shares: true,
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house);
      const { ended } = await sandbox.start('echo up; while [ ! -e go ]; do sleep 0.05; done; cat go; exit 4');
      await step('list()', () => files.list('/workspace'));
      await step('write()', () => files.write('/workspace/go', pieces('went')));
      const run = await ended;
      equal([run.stdout, run.end.cause, run.end.exitCode, run.end.limitsHit], ['up\nwent', 'exited', 4, []], {
        promise: 'Files can be read and written while a command runs.',
        mend: 'Work beside the program, with processes of your own.',
      });
    },
  },
  {
    name: 'a write that is cancelled, or whose source fails, leaves the old file',
    shares: true,
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house);
      await sandbox.sh('echo old > kept; rm -rf many shown made');
      const failing = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half');
        throw new Error('the source failed');
      };
      const before = await step('list()', () => files.list('/workspace'));
      const outcome = await files.write('/workspace/kept', failing()).then(
        () => 'written',
        () => 'refused',
      );
      const stop = new AbortController();
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.from('half');
        stop.abort();
        await new Promise(() => undefined);
      };
      await refusesWith(
        files.write('/workspace/kept', endless(), { signal: stop.signal }),
        'SANDBOX011',
        'A cancelled call is refused with SANDBOX011.',
      );
      const after = await step('list()', () => files.list('/workspace'));
      equal(
        [outcome, await text(files, '/workspace/kept'), after.entries.map(shape)],
        ['refused', 'old\n', before.entries.map(shape)],
        {
          promise: 'write() replaces a file whole or not at all, and leaves nothing beside it.',
          mend: 'Write aside, rename when all is there, and remove it when not.',
        },
      );
    },
  },
  {
    name: 'a write that does not fit is refused with SANDBOX004, and the file that was there stays',
    needs: needsAll(needsFiles, needsLimit('disk')),
    body: async (house) => {
      const { files } = await filesOf(house, await house.sandbox({ limits: { diskBytes: 8 << 20 } }));
      await step('write()', () => files.write('/workspace/f', pieces('old')));
      const much = async function* (): AsyncGenerator<Uint8Array> {
        for (let i = 0; i < 300; i++) {
          yield new Uint8Array(100_000);
          await new Promise((resolve) => setTimeout(resolve, 2)); // a watchdog looks now and then
        }
      };
      await refusesWith(
        files.write('/workspace/f', much()),
        'SANDBOX004',
        'What does not fit is refused with SANDBOX004.',
      );
      equal(await text(files, '/workspace/f'), 'old', { promise: 'A failed write() changes nothing.', mend });
    },
  },
  {
    name: 'folders that are hard to remove are removed',
    needs: needsAll(needsFiles, needsPython),
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
  {
    name: 'cleanup() ends a read() that is under way, and does not wait for its reader',
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house, await house.sandbox());
      await sandbox.sh('dd if=/dev/zero of=large bs=1M count=32 2>/dev/null');
      const reading = files.read('/workspace/large')[Symbol.asyncIterator]();
      const first = await step('read()', () => reading.next());
      holds(first.done !== true, { promise: 'read() gives a file in parts.', mend });
      const started = performance.now();
      const cleaned = await sandbox.cleanup();
      const wallMs = performance.now() - started;
      holds(
        cleaned && wallMs < 10_000,
        {
          promise: 'cleanup() is true soon, though calls to files are under way.',
          mend: 'End their helpers, whether somebody reads on or not.',
        },
        { cleaned, wallMs },
      );
      await house.assertNothingLeft();
      const rest = async (): Promise<void> => {
        while ((await reading.next()).done !== true);
      };
      await refusesWith(rest(), 'SANDBOX006', 'A read() whose sandbox was cleaned up is refused with SANDBOX006.');
    },
  },
  {
    name: 'of a sandbox that is gone or unknown they are refused with SANDBOX006',
    needs: needsFiles,
    body: async (house) => {
      const { sandbox, files } = await filesOf(house, await house.sandbox());
      await sandbox.cleanup();
      const gone = 'Calls to the files of a sandbox that is gone are refused with SANDBOX006.';
      await refusesWith(files.list('/workspace'), 'SANDBOX006', gone);
      await refusesWith(read(files, '/workspace/x'), 'SANDBOX006', gone);
      await refuses(async () => house.provider.files('no-such-sandbox').list('/workspace'), ['SANDBOX006'], {
        promise: gone,
        mend,
      });
    },
  },
]);

const mend =
  "Do the work as the sandbox's user inside of its mounts; ManagedSandboxProvider does it over the hook that starts a helper.";

async function filesOf(house: House, own?: TestSandbox): Promise<{ sandbox: TestSandbox; files: SandboxFiles }> {
  const sandbox = own ?? (await house.shared());
  return { sandbox, files: await step('files()', async () => house.provider.files(sandbox.id)) };
}

function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  return succeeds(30_000, what, mend, work);
}

function refusesWith(work: Promise<unknown>, code: SandboxErrorCode, promise: string, path?: string): Promise<void> {
  const where = path === undefined ? '' : ` (${JSON.stringify(path)})`;
  return refuses(() => within(30_000, 'A call to files', work), [code], { promise: `${promise}${where}`, mend });
}

function shape({ name, type, bytes }: FileEntry): [string, string, number | null] {
  return [name, type, bytes];
}

async function read(
  files: SandboxFiles,
  path: string,
  range: { offset?: number; length?: number } = {},
): Promise<Buffer> {
  const collect = async (): Promise<Buffer> => {
    const parts: Uint8Array[] = [];
    for await (const part of files.read(path, range)) parts.push(part);
    return Buffer.concat(parts);
  };
  return collect();
}

async function text(files: SandboxFiles, path: string): Promise<string> {
  return (await step('read()', () => read(files, path))).toString();
}

async function* pieces(...all: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of all) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
}
