import { hitLimit } from '../../end.js';
import { equal, holds } from '../../promises.js';
import { needsLimit, part } from '../../suite.js';

const MiB = 1 << 20;

export const memory = part([
  {
    name: 'memory: a main process that takes more is ended, and the end is `limit` with its evidence',
    needs: needsLimit('memory'),
    body: async (house) => {
      const sandbox = await house.sandbox({ limits: { memoryBytes: 96 * MiB } });
      // dd fills a buffer of that size.
      const { end } = await sandbox.sh('exec dd if=/dev/zero of=/dev/null bs=600M count=20');
      equal([end.cause, end.exitCode === 137 || end.exitCode === null], ['limit', true], memoryEnds);
      hitLimit(end, 'memory', 96 * MiB);
      await sandbox.assertRunsAgain();
      equal((await sandbox.sh(':')).end.limitsHit, [], ownHits);
    },
  },
  {
    name: 'memory: a child that met the limit makes the end `limit`, though the main process exits 0',
    needs: needsLimit('memory'),
    body: async (house) => {
      const sandbox = await house.sandbox({ limits: { memoryBytes: 96 * MiB } });
      const { end } = await sandbox.sh('dd if=/dev/zero of=/dev/null bs=600M count=20; exit 0');
      const zero = end.exitCode === 0 || house.claims.capabilities.limits.memory !== 'hard';
      equal([end.cause, zero], ['limit', true], {
        promise: 'Memory limit hit and exit 0 all the same: cause `limit`, exitCode 0.',
        mend: 'Read the counter of out-of-memory kills at the end of every run; do not derive the cause from the exit code.',
      });
      hitLimit(end, 'memory', 96 * MiB);
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'memory: many processes count together',
    needs: needsLimit('memory'),
    body: async (house) => {
      const sandbox = await house.sandbox({ limits: { memoryBytes: 96 * MiB } });
      const { end } = await sandbox.sh(
        'for i in 1 2 3 4 5 6; do (dd if=/dev/zero bs=40M count=1 | (sleep 2; cat > /dev/null)) 2>/dev/null & done; wait',
      );
      equal(end.cause, 'limit', memoryEnds);
      hitLimit(end, 'memory', 96 * MiB);
      await sandbox.assertRunsAgain();
    },
  },
  {
    name: 'memory: a program below the limit does not meet it, and writing files is not memory',
    needs: needsLimit('memory'),
    body: async (house) => {
      const sandbox = await house.sandbox({
        limits: { memoryBytes: 128 * MiB, diskBytes: 300 * MiB, fileBytes: 300 * MiB },
      });
      const { end } = await sandbox.sh(
        'dd if=/dev/zero of=/dev/null bs=60M count=1 && dd if=/dev/zero of=big bs=1M count=200 && cat big > /dev/null',
      );
      equal([end.cause, end.exitCode, end.limitsHit], ['exited', 0, []], {
        promise: 'What fits is not ended: memory below the limit, and files on disk beyond it.',
        mend: 'Keep /workspace and /output on disk (a tmpfs is memory), and let the page cache be reclaimed.',
      });
    },
  },
  {
    name: 'memory: /tmp and /dev/shm cannot take more than it',
    needs: needsLimit('memory'),
    body: async (house) => {
      for (const folder of ['/tmp', '/dev/shm']) {
        const sandbox = await house.sandbox({ limits: { memoryBytes: 96 * MiB, fileBytes: 1024 * MiB } });
        const { end } = await sandbox.sh(
          'dd if=/dev/zero of="$1/big" bs=1M count=400; code=$?; sleep 1; exit $code',
          {},
          [folder],
        );
        holds(
          end.cause === 'limit' || (end.cause === 'exited' && end.exitCode !== 0),
          {
            promise: `What lies in ${folder} is bounded.`,
            mend: 'Mount it with a size, and count it as memory.',
          },
          end,
        );
        await sandbox.assertRunsAgain();
      }
    },
  },
]);

const memoryEnds = {
  promise: 'A program that takes more memory than the limit is ended as `limit`.',
  mend: 'Bound the memory of all processes together, swap included, and read the count of out-of-memory kills at the end.',
};
const ownHits = {
  promise: 'limitsHit tells of this execution alone.',
  mend: 'Take the difference of a counter to its value at the start, or count anew for each execution.',
};
