import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { equal, refuses } from '../../promises.js';
import { hostSecret } from '../../secret.js';
import { needsGiven, part } from '../../suite.js';
import { filesOf, mend, needsFiles, pieces, read, refusesWith, step } from './calls.js';

export const refusals = part([
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
    timeoutMs: 180_000, // dozens of calls, each a process: on an emulated machine they take a second and more
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
