import { hitLimit } from '../../end.js';
import { holds } from '../../promises.js';
import type { House } from '../../house.js';
import { needsAll, needsLimit, needsPython, needsUsage, part } from '../../suite.js';

export const processes = part([
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
]);

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
