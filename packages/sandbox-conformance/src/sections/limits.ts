import { hitLimit } from '../end.js';
import { equal, holds } from '../promises.js';
import type { House } from '../house.js';
import type { TestSandbox } from '../sandbox.js';
import { needsAll, needsHardLimit, needsLimit, needsPython, needsUsage, section } from '../suite.js';
import type { Section } from '../suite.js';

const MiB = 1 << 20;

export const limits: Section = section('Limits', [
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
  {
    name: 'cpu: busy processes get no more time than the limit gives',
    needs: needsAll(needsLimit('cpu'), needsUsage),
    body: async (house) => {
      // Kept by pinning, a limit of less than one CPU is one. A small one shows on a busy machine, too.
      const cpus = house.claims.capabilities.limits.cpu === 'hard' ? 0.1 : 1;
      const sandbox = await house.sandbox({ limits: { cpus } });
      const busy = '(while :; do :; done) & ';
      const { end, wallMs } = await sandbox.sh(`${busy.repeat(4)} sleep 2`);
      const used = (end.usage.cpuTimeMs ?? Infinity) / wallMs;
      holds(
        end.cause === 'exited' && used < cpus * 1.35 + 0.05,
        {
          promise: `With ${cpus} CPUs a program gets no more than ${cpus} s of CPU time in a second.`,
          mend: 'Set the quota of the cgroup or container: cpus × period.',
        },
        { cpusUsed: used, end },
      );
      holds(
        used > 0.03,
        {
          promise: 'The CPU time of a busy program is measured.',
          mend: 'Sum the user and system time of all processes, also of those that have ended.',
        },
        { cpusUsed: used },
      );
    },
  },
  {
    name: 'pids: processes are bounded, the refusal is seen inside, and the limit is named',
    needs: needsAll(needsLimit('pids'), needsPython),
    body: (house) => bounded(house, forks, 20),
  },
  {
    name: 'pids: threads count as well',
    needs: needsAll(needsLimit('pids'), needsPython),
    body: (house) => bounded(house, threads, 20),
  },
  {
    name: 'pids: a fork bomb is bounded, ended at the deadline, and the sandbox and others go on',
    needs: needsLimit('pids'),
    body: async (house) => {
      const other = await house.sandbox();
      const sandbox = await house.sandbox({ limits: { pids: 40 } });
      const bomb = 'bomb() { bomb | bomb & }; bomb 2>/dev/null; while :; do sleep 0.1 2>/dev/null; done';
      const { end, wallMs } = await sandbox.sh(bomb, { timeoutMs: 1500, killGraceMs: 200, keep: false });
      holds(
        ['timeout', 'exited', 'limit'].includes(end.cause) && wallMs < 12_000,
        {
          promise: 'A fork bomb is ended, at the latest at its deadline.',
          mend: "Bound the processes, and kill all of them at once (cgroup.kill, freezer, the namespace's init), not one after another.",
        },
        { end, wallMs },
      );
      await sandbox.assertRunsAgain();
      await other.assertRunsAgain();
    },
  },
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
        `dd if=/dev/zero of="$${variable}/big" bs=1M count=80; code=$?; sleep 1; exit $code`,
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
        'echo 1 > d/$i/$j$k || { sleep 1; exit 7; }; done; done; done; sleep 1';
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
  {
    name: 'wall-time: the deadline counts from the program’s start, not from the call',
    needs: needsHardLimit('wall-time'),
    body: async (house) => {
      const sandbox = await house.sandbox();
      const marks: Record<string, number> = {};
      const run = await sandbox.sh('sleep 100', {
        timeoutMs: 700,
        killGraceMs: 100,
        report: (report) => {
          if (report.type === 'phase') marks[report.phase] = performance.now();
        },
      });
      const ms = (marks.ended ?? NaN) - (marks.started ?? NaN);
      holds(
        run.end.cause === 'timeout' && ms >= 680 && ms < 5000,
        {
          promise: 'A run is ended when its time since the phase `started` is over.',
          mend: 'Start the timer when the program starts, not when execute() is called; report `started` at that moment.',
        },
        { ms, cause: run.end.cause },
      );
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

/** Prints how many could be made, and stays for a while at the limit. */
const forks = `import os, time
n = 0
try:
  while n < 200:
    if os.fork() == 0: time.sleep(4); os._exit(0)
    n += 1
except OSError: pass
print(n, flush=True); time.sleep(1.5)`;
const threads = `import os, threading, time
n = 0
try:
  while n < 200: threading.Thread(target=time.sleep, args=(4,), daemon=True).start(); n += 1
except RuntimeError: pass
print(n, flush=True); time.sleep(1.5); os._exit(0)`;

async function bounded(house: House, source: string, pids: number): Promise<void> {
  const sandbox = await house.sandbox({ limits: { pids } });
  const { end, stdout } = await sandbox.run([house.python, '-c', source]);
  const made = Number(stdout);
  holds(
    made < pids && made >= pids - 8,
    {
      promise: `With a limit of ${pids} about that many processes and threads can be there, and not one more.`,
      mend: 'Set pids.max of the cgroup or container to the limit, plus what of your own lives in it.',
    },
    { made, end },
  );
  hitLimit(end, 'pids', pids);
  await sandbox.assertRunsAgain();
}

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
