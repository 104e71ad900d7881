import { createHash } from 'node:crypto';
import { lookOf } from '../look.js';
import { equal } from '../promises.js';
import type { SolutionFiles } from '../house.js';
import type { TestSandbox } from '../sandbox.js';
import { needsIsolation, section } from '../suite.js';
import type { Section } from '../suite.js';

const files: SolutionFiles = {
  'main.txt': 'main\n',
  empty: '',
  'with space/it\'s "quoted" $HOME.txt': 'quoted',
  'nested/a/b/c/d/e/deep.txt': 'deep',
  'ünïcödé/日本語 🚀.txt': 'unicode',
  'a\nnewline': 'newline',
  '-n': 'looks like an option',
  '.hidden': 'hidden',
  'bytes.bin': Uint8Array.from({ length: 65_536 }, (_, index) => index & 255),
  'large.bin': new Uint8Array(5_000_000).fill(0x61),
  'tool.sh': '#!/bin/sh\necho "tool ran in $(pwd)"\n',
  'no-files/': '',
};

/** Prints path, NUL, digest and a newline for each file below a folder. */
const digests =
  'cd "$1" && find . -type f -exec sh -c \'for f; do printf "%s\\0" "$f"; sha256sum < "$f"; done\' sh {} +';

export const solutionFiles: Section = section('Files', [
  {
    name: '/solution holds every file of the solution, and /workspace begins as a copy of it',
    body: async (house) => {
      const sandbox = await house.sandbox({ files });
      const expected = Object.entries(files).flatMap(([path, content]) =>
        path.endsWith('/') ? [] : [[path, createHash('sha256').update(content).digest('hex')]],
      );
      const { solution, workspace } = await sandbox.folders();
      for (const folder of [solution, workspace]) {
        const run = await sandbox.sh(digests, {}, [folder]);
        const found = [...run.stdout.matchAll(/\.\/([^\0]+)\0([0-9a-f]{64}) +-\n/g)].map(([, path, hash]) => [
          path,
          hash,
        ]);
        equal(found.sort(byPath), expected.sort(byPath), {
          promise: `${folder} holds the files of the solution, each with its name and its bytes.`,
          mend: 'Copy names as bytes, whatever is in them, and contents as they are; nested folders too.',
        });
        const { stdout } = await sandbox.sh('cd "$1" && ls -A no-files; test -d no-files && ./tool.sh', {}, [folder]);
        equal(stdout, `tool ran in ${folder}\n`, {
          promise: `${folder} has empty folders too, and what is executable in the solution is executable there.`,
          mend: 'Keep the folders, and the mode of the files (0755 stays 0755).',
        });
      }
    },
  },
  {
    name: 'a solution of a thousand files is complete',
    body: async (house) => {
      const many = Object.fromEntries(
        Array.from({ length: 1000 }, (_, index) => [`d${index % 37}/f${index}`, String(index)]),
      );
      const sandbox = await house.sandbox({ files: many });
      const { stdout } = await sandbox.sh(
        'for d in "$SOLUTION_DIR" "$WORKSPACE_DIR"; do find "$d" -type f | wc -l; done',
      );
      equal(stdout.split('\n').map(Number).slice(0, 2), [1000, 1000], {
        promise: 'Every file of a solution arrives.',
        mend: 'Wait until the copy or the upload is complete before prepare() resolves.',
      });
    },
  },
  {
    name: '/solution cannot be changed from inside, and the folder of the host stays as it is',
    needs: needsIsolation,
    body: async (house) => {
      const path = await house.solution({ 'main.txt': 'main\n', 'sub/x': 'x' });
      const before = await lookOf(path);
      const sandbox = await house.sandbox({ solution: path });
      const attempts = [
        'echo changed > "$SOLUTION_DIR/main.txt"',
        'echo more >> "$SOLUTION_DIR/sub/x"',
        ': > "$SOLUTION_DIR/new"',
        'mkdir "$SOLUTION_DIR/made"',
        'rm -f "$SOLUTION_DIR/main.txt"',
        'mv "$SOLUTION_DIR/sub" "$SOLUTION_DIR/moved"',
        'chmod 777 "$SOLUTION_DIR/main.txt"',
        'ln -s /etc "$SOLUTION_DIR/link"',
      ];
      const script = attempts.map((each, index) => `(${each}) 2>/dev/null && echo ${index}`).join('\n');
      const { stdout: text } = await sandbox.sh(
        `${script}\ncd "\${WORKSPACE_DIR:?}" && echo own > main.txt && rm -rf sub; cat "$SOLUTION_DIR/main.txt"`,
      );
      const done = attempts.filter((_, index) => text.split('\n').includes(String(index)));
      equal([done, text], [[], 'main\n'], {
        promise: '/solution is read-only, and /workspace is a copy, not the same files.',
        mend: 'Mount /solution read-only, or give its files to another user and deny writing.',
      });
      equal(await lookOf(path), before, {
        promise: "The solution's folder on the host stays as it is: names, modes, owners and contents.",
        mend: 'Give the program a copy, or mount it read-only; change no mode of the original, it may be shared.',
      });
    },
  },
  {
    name: '/workspace is the working folder; it, /output, /tmp can be written, and files of the solution overwritten there',
    body: async (house) => {
      const sandbox = await house.sandbox({ files: { 'main.txt': 'main\n', 'sub/x': 'x' } });
      const { stdout, stderr } = await sandbox.sh(
        '[ "$(pwd -P)" = "$(cd "$WORKSPACE_DIR" && pwd -P)" ] || { pwd; exit 1; }; echo there; echo own > main.txt && echo own > sub/x && mkdir -p sub/new && rm sub/x && mv sub moved && ' +
          'echo o > "$OUTPUT_DIR/o" && echo t > /tmp/t && cat main.txt "$OUTPUT_DIR/o" /tmp/t; ls -A "$OUTPUT_DIR"',
      );
      equal([stdout, stderr], ['there\nown\no\nt\no\n', ''], {
        promise:
          '/workspace is the working folder and writable as a whole; /output and /tmp are writable; /output begins empty.',
        mend: "Give the three folders to the program's user, with modes that let it write, and start it in /workspace.",
      });
    },
  },
  {
    name: '/workspace and /output stay between executions; /tmp does not',
    needs: needsIsolation,
    body: async (house) => {
      const sandbox = await house.sandbox();
      await sandbox.sh(
        'echo w > w; mkdir d; ln -s w l; echo o > "$OUTPUT_DIR/o"; echo t > /tmp/t; echo s > /dev/shm/s 2>/dev/null',
      );
      await sandbox.sh('echo more >> w; exit 3');
      await sandbox.sh('kill -KILL $$');
      const { stdout } = await sandbox.sh(
        'cat w "$OUTPUT_DIR/o"; readlink l; ls -d d; ls -A /tmp; ls -A /dev/shm 2>/dev/null; cd "$OUTPUT_DIR" && touch again && ls',
      );
      equal(stdout, 'w\nmore\no\nw\nd\nagain\no\n', {
        promise:
          '/workspace and /output persist between the executions of a sandbox; /tmp and /dev/shm begin empty each time.',
        mend: 'Keep the first two for the life of the sandbox, and make the others anew for each execution.',
      });
    },
  },
  {
    name: 'a file that was written right before the end is there in the next execution',
    body: async (house) => {
      const sandbox = await house.sandbox();
      await sandbox.sh('head -c 3000000 /dev/zero | tr "\\0" z > big; kill -KILL $$');
      equal(await size(sandbox, 'big'), 3_000_000, {
        promise: 'What a program wrote before its end stays in /workspace.',
        mend: 'Do not throw away or roll back what was written when a run ends, however it ends.',
      });
    },
  },
  {
    name: "one sandbox's /workspace, /output and /tmp are not another's, though the solution is the same",
    needs: needsIsolation,
    body: async (house) => {
      const solution = await house.solution({ 'main.txt': 'main\n' });
      const first = await house.sandbox({ solution });
      const second = await house.sandbox({ solution });
      await first.sh('echo mine | tee main.txt "$OUTPUT_DIR/x" /tmp/x > /dev/shm/x');
      const { stdout } = await second.sh(
        'cat main.txt; ls -A; ls -A "$OUTPUT_DIR"; ls -A /tmp; ls -A /dev/shm 2>/dev/null',
      );
      equal(stdout, 'main\nmain.txt\n', {
        promise: 'Sandboxes of one solution share nothing that can be written.',
        mend: 'Give each sandbox its own copy.',
      });
    },
  },
]);

function byPath([a = '']: readonly (string | undefined)[], [b = '']: readonly (string | undefined)[]): number {
  return a < b ? -1 : 1;
}

async function size(sandbox: TestSandbox, file: string): Promise<number> {
  return Number((await sandbox.sh('wc -c < "$1"', {}, [file])).stdout);
}
