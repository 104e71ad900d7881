import { createHash } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError, sentenceOf } from '@ergon/sandbox-core';
import type { SandboxMount } from '@ergon/sandbox-core';
import { equal, refuses, STEP_MS, within } from '../promises.js';
import type { Promised } from '../promises.js';
import type { House } from '../house.js';
import type { TestSandbox } from '../sandbox.js';
import { needsClaim, section } from '../suite.js';
import type { Section } from '../suite.js';
import { tar } from '../tar.js';

const needsMounts = needsClaim('mounts', ({ capabilities }) => capabilities.mounts);

export const mounts: Section = section('Mounts', [
  {
    name: 'folders and archives are at their targets, whole, in every execution',
    needs: needsMounts,
    body: async (house) => {
      const folder = await house.solution({
        'sub/f': 'from a folder\n',
        'ünï code': 'unicode\n',
        run: '#!/bin/sh\necho ran\n',
      });
      const archive = tar({
        'bin/tool': '#!/bin/sh\necho from an archive\n',
        'deep/er/f': 'deep\n',
        big: 'x'.repeat(1_000_000),
      });
      const sandbox = await withMounts(house, [
        mountOf({ folder }, '/node_modules'),
        archiveMount(archive, '/layers/tools'),
      ]);
      for (let round = 0; round < 2; round++) {
        const { stdout, stderr } = await sandbox.sh(
          'cat /node_modules/sub/f "/node_modules/ünï code"; /node_modules/run; /layers/tools/bin/tool; cat /layers/tools/deep/er/f; wc -c < /layers/tools/big; pwd',
        );
        equal(
          [stdout.replace(/^ +/gm, ''), stderr],
          ['from a folder\nunicode\nran\nfrom an archive\ndeep\n1000000\n/workspace\n', ''],
          {
            promise: 'A mount is at its target with all of its files and their modes, in each execution.',
            mend: "Unpack or bind it before prepare() resolves, readable for the program's user.",
          },
        );
      }
    },
  },
  {
    name: 'they cannot be changed from inside, and the folder of the host stays as it is',
    needs: needsMounts,
    body: async (house) => {
      const folder = await house.solution({ f: 'own\n' });
      await chmod(join(folder, 'f'), 0o666);
      await chmod(folder, 0o777);
      const sandbox = await withMounts(house, [
        mountOf({ folder }, '/layers/a'),
        archiveMount(tar({ f: 'own\n' }), '/layers/b'),
      ]);
      const { stdout } = await sandbox.sh(
        'for d in /layers/a /layers/b /layers; do for do in "echo x > $d/f" "echo x > $d/new" "rm -f $d/f" "chmod 777 $d/f" "mkdir $d/m"; do sh -c "$do" 2>/dev/null; done; done; ls -A /layers /layers/a /layers/b; cat /layers/a/f /layers/b/f',
      );
      const host = await contentOf(join(folder, 'f'));
      equal([stdout, host], ['/layers:\na\nb\n\n/layers/a:\nf\n\n/layers/b:\nf\nown\nown\n', 'own\n'], {
        promise: 'Mounts are read-only, whatever the modes of their files.',
        mend: "Mount them read-only; nothing of the program's may write them.",
      });
    },
  },
  {
    name: 'two sandboxes may have the same, and each is removed by itself',
    needs: needsMounts,
    body: async (house) => {
      const folder = await house.solution({ f: 'shared\n' });
      const same = [mountOf({ folder }, '/layers/a'), archiveMount(tar({ g: 'archive\n' }), '/layers/b')];
      const [first, second] = [await withMounts(house, same), await withMounts(house, same)];
      await first.cleanup();
      const { stdout } = await second.sh('cat /layers/a/f /layers/b/g');
      equal([stdout, await contentOf(join(folder, 'f'))], ['shared\narchive\n', 'shared\n'], {
        promise: 'Removing one sandbox takes no mount from another, and no folder from the host.',
        mend: 'Unmount, never remove, what was bound; count the users of what is kept by its digest.',
      });
    },
  },
  {
    name: 'a source that fails, or is not there, makes prepare() fail, and nothing is left',
    needs: needsMounts,
    body: async (house) => {
      const promised = {
        promise: 'A mount that cannot be made makes prepare() fail.',
        mend: 'Never start without it.',
      };
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield tar({ f: 'x' }).subarray(0, 700);
        throw new Error('the archive broke off');
      };
      const archive: SandboxMount = {
        digest: 'sha256:broken',
        source: { archive: () => broken() },
        target: '/layers/b',
      };
      await refusesPreparation(house, [archive], promised, (error) => sentenceOf(error) === 'the archive broke off');
      await refusesPreparation(house, [mountOf({ folder: `${house.folder}/no-such-folder` }, '/layers/a')], promised);
    },
  },
  {
    name: 'a target below a folder that a program can write, or over one of the system, is refused',
    needs: needsMounts,
    body: async (house) => {
      const folder = await house.solution({ f: 'x' });
      for (const target of [
        '/workspace/x',
        '/output/x',
        '/solution/x',
        '/tmp/x',
        '/workspace',
        '/solution',
        '/',
        'relative',
        '/layers/../etc',
      ]) {
        await refusesPreparation(house, [mountOf({ folder }, target)], {
          promise: `A mount at ${target} is refused: never beneath an untrusted folder.`,
          mend: 'Allow flat, fixed targets such as /layers/name and /node_modules only.',
        });
      }
    },
  },
]);

/** Of a file of the host's. */
function contentOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => `(${sentenceOf(error)})`);
}

function mountOf(source: SandboxMount['source'], target: string): SandboxMount {
  return {
    // Every folder of the suite has a content of its own, and no name twice.
    digest: digestOf(JSON.stringify(source)),
    source,
    target,
  };
}

function archiveMount(data: Uint8Array, target: string): SandboxMount {
  const archive = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < data.length; at += 50_000) yield data.subarray(at, at + 50_000);
  };
  return { digest: digestOf(data), source: { archive }, target };
}

function digestOf(content: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function withMounts(house: House, all: readonly SandboxMount[]): Promise<TestSandbox> {
  return house.sandbox({ config: { mounts: all } });
}

async function refusesPreparation(
  house: House,
  all: readonly SandboxMount[],
  promised: Promised,
  isToldAsItIs: (error: unknown) => boolean = () => false,
): Promise<void> {
  const config = house.config({ config: { mounts: all } });
  const solution = await house.solution();
  const prepare = (): Promise<string> =>
    within(STEP_MS, 'prepare()', house.provider.prepare('s', solution, config)).catch((error: unknown) => {
      throw isToldAsItIs(error) ? new SandboxError('SANDBOX011', sentenceOf(error), { cause: error }) : error;
    });
  await refuses(prepare, ['SANDBOX008', 'SANDBOX009', 'SANDBOX011'], promised);
  await house.assertNothingLeft();
}
