import { hitLimit } from '../../end.js';
import { equal, holds } from '../../promises.js';
import type { House } from '../../house.js';
import type { TestSandbox } from '../../sandbox.js';
import { needsLimit, part } from '../../suite.js';

const MiB = 1 << 20;

export const files = part([
  ...(
    [
      ['/workspace', 'WORKSPACE_DIR'],
      ['/output', 'OUTPUT_DIR'],
    ] as const
  ).map(([folder, variable]) => ({
    name: `disk: more than fits into ${folder} is refused or ends the run, and the limit is named`,
    needs: needsLimit('disk'),
    body: async (house: House): Promise<void> => {
      const diskBytes = 20 * MiB;
      const sandbox = await house.sandbox({ limits: { diskBytes, fileBytes: 1024 * MiB } });
      const run = await sandbox.sh(
        // The long sleep is for a watchdog, which a busy machine lets wait.
        `dd if=/dev/zero of="$${variable}/big" bs=1M count=80 || { code=$?; sleep 1; exit $code; }; sleep 10`,
      );
      const refused = run.end.cause === 'exited' && run.end.exitCode !== 0 && /space|quota/i.test(run.stderr);
      holds(
        run.end.cause === 'limit' || refused,
        {
          promise: `Writing more than the limit to ${folder} fails with ENOSPC (or EDQUOT), or ends the run as \`limit\`.`,
          mend: 'Give each sandbox a disk of its own or a project quota; else a watchdog on the blocks in use that ends the run.',
        },
        { end: run.end, stderr: run.stderr },
      );
      hitLimit(run.end, 'disk', diskBytes);
      await frees(sandbox);
      await sandbox.assertRunsAgain();
    },
  })),
  {
    name: 'disk: many small files meet the limit as well',
    needs: needsLimit('disk'),
    body: async (house) => {
      const sandbox = await house.sandbox({ limits: { diskBytes: 8 * MiB } });
      const many =
        'mkdir d; i=0; while [ $i -lt 60 ]; do i=$((i+1)); mkdir d/$i && for j in 1 2 3 4 5 6 7 8 9; do for k in 1 2 3 4 5 6 7 8 9; do ' +
        'echo 1 > d/$i/$j$k || { sleep 1; exit 7; }; done; done; done; sleep 10';
      const { end } = await sandbox.sh(many, { keep: false });
      holds(
        end.cause === 'limit' || end.exitCode === 7,
        {
          promise: 'Each small file takes a block: many of them meet the limit of the disk.',
          mend: 'Count allocated blocks and inodes, not sizes.',
        },
        end,
      );
      hitLimit(end, 'disk', 8 * MiB);
      await frees(sandbox);
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'disk: what fits, fits',
    needs: needsLimit('disk'),
    body: async (house) => {
      const sandbox = await house.sandbox({ limits: { diskBytes: 20 * MiB } });
      const { end } = await sandbox.sh(
        'dd if=/dev/zero of=a bs=1M count=9 && dd if=/dev/zero of="$OUTPUT_DIR/b" bs=1M count=9',
      );
      equal([end.cause, end.exitCode, end.limitsHit], ['exited', 0, []], {
        promise: 'A limit of N bytes leaves room for nearly N bytes.',
        mend: 'Make the disk as much larger as its filesystem needs for itself.',
      });
    },
  },
  {
    name: 'disk: a sparse file takes what it holds, not what its size says',
    needs: needsLimit('disk'),
    body: async (house) => {
      const sandbox = await house.sandbox({ limits: { diskBytes: 20 * MiB, fileBytes: 1024 * MiB } });
      const { end } = await sandbox.sh('dd if=/dev/zero of=sparse bs=1 count=1 seek=500000000 && sleep 0.5');
      equal([end.cause, end.exitCode, end.limitsHit], ['exited', 0, []], {
        promise: 'Disk is counted in blocks that are in use.',
        mend: 'Sum allocated blocks (st_blocks × 512), not sizes.',
      });
    },
  },
  {
    name: 'open-files: a process can open no more than the limit, and cannot raise it',
    needs: needsLimit('open-files'),
    body: async (house) => {
      const sandbox = await house.sandbox({ limits: { openFiles: 64 } });
      const { stdout } = await sandbox.sh('ulimit -Sn; ulimit -Hn; ulimit -n 65 2>/dev/null; ulimit -Sn');
      equal(stdout, '64\n64\n64\n', {
        promise: 'RLIMIT_NOFILE is the limit, soft and hard, and cannot be raised.',
        mend: 'Set both before the program starts, without the capability to raise them.',
      });
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'file-size: a file that grows past the limit ends the program by SIGXFSZ, and the limit is named',
    needs: needsLimit('file-size'),
    body: async (house) => {
      const sandbox = await house.sandbox({ limits: { fileBytes: 4 * MiB } });
      const { end } = await sandbox.sh('exec dd if=/dev/zero of=big bs=1M count=20');
      holds(
        (end.cause === 'signalled' || end.cause === 'limit') && end.signal === 'SIGXFSZ',
        {
          promise: 'RLIMIT_FSIZE ends a program that does not care, by SIGXFSZ.',
          mend: 'Set the limit, soft and hard, before the program starts.',
        },
        end,
      );
      hitLimit(end, 'file-size', 4 * MiB);
      const { stdout } = await sandbox.sh('wc -c < big; ulimit -Hf; rm big');
      const [size, blocks] = stdout.split('\n').map(Number);
      holds(
        size === 4 * MiB && (blocks === 8192 || blocks === 4096),
        {
          promise: 'No file is larger than the limit, and it cannot be raised.',
          mend: 'Set RLIMIT_FSIZE in bytes, soft and hard.',
        },
        stdout,
      );
      await sandbox.assertRunsAgain();
    },
  },
]);

/** Removes what filled the disk. A watchdog may see it a few times more before enough is gone. */
async function frees(sandbox: TestSandbox): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const { stdout } = await sandbox.sh(
      'rm -rf "${WORKSPACE_DIR:?}/big" "${WORKSPACE_DIR:?}/d" "${OUTPUT_DIR:?}/big"; ls "$WORKSPACE_DIR" "$OUTPUT_DIR"; echo freed',
    );
    if (stdout.endsWith('freed\n')) return;
  }
  holds(false, {
    promise: 'After the limit of the disk was met the sandbox can execute again, and files can be removed.',
    mend: 'Start the next execution whatever the disk holds; end it only while it is over the limit.',
  });
}
