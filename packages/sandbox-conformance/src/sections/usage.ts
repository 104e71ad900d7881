import type { ResourceUsage } from '@ergon/sandbox-core';
import { equal, holds, refuses } from '../promises.js';
import { needsAll, needsPython, needsUsage, section } from '../suite.js';
import type { Section } from '../suite.js';

const MiB = 1 << 20;
const busy = `import os, sys, time
x = bytearray(80 << 20)
while time.process_time() < 0.6: pass
print(int(sum(os.times()[:2]) * 1000))`;

export const usage: Section = section('Usage', [
  {
    name: 'CPU time and the peak of memory are those of the whole tree',
    shares: true,
    needs: needsAll(needsUsage, needsPython),
    body: async (house) => {
      const sandbox = await house.shared();
      const run = await sandbox.sh('"$1" -c "$2" & "$1" -c "$2" & wait', {}, [house.python, busy]);
      const inside = run.stdout
        .trim()
        .split('\n')
        .reduce((sum, text) => sum + Number(text), 0);
      const { cpuTimeMs, memoryPeakBytes } = run.end.usage;
      holds(
        cpuTimeMs !== null && cpuTimeMs > inside * 0.85 && cpuTimeMs < inside * 1.6 + 300,
        {
          promise: 'usage.cpuTimeMs of the end is the user and system time of all processes, in ms.',
          mend: 'Read it from the cgroup or the engine after the last process has ended, before that is removed.',
        },
        { cpuTimeMs, measuredInside: inside },
      );
      holds(
        memoryPeakBytes !== null && memoryPeakBytes > 80 * MiB && memoryPeakBytes < 260 * MiB,
        {
          promise: 'usage.memoryPeakBytes of the end is the most memory of all processes together, in bytes.',
          mend: 'Read the peak that the kernel keeps, or keep the largest sample.',
        },
        memoryPeakBytes,
      );
    },
  },
  {
    name: 'samples are reported while it runs, and never go back',
    shares: true,
    needs: needsUsage,
    body: async (house) => {
      const sandbox = await house.shared();
      const { reports, end } = await sandbox.sh('i=0; while [ $i -lt 30 ]; do i=$((i+1)); sleep 0.05; done; sleep 0.3');
      const samples = reports.flatMap((report) => (report.type === 'sample' ? [report.usage] : []));
      holds(samples.length > 0, {
        promise: 'A run of two seconds reports samples.',
        mend: 'Report one at least every second.',
      });
      assertMonotone([...samples, end.usage]);
    },
  },
  {
    name: 'usage() tells of the running command, and can be asked when none runs',
    shares: true,
    needs: needsUsage,
    body: async (house) => {
      const sandbox = await house.shared();
      const before = await sandbox.usage();
      holds(typeof before === 'object', {
        promise: 'usage() of an idle sandbox is no error.',
        mend: 'Give unmeasuredUsage.',
      });
      const stop = new AbortController();
      const { ended } = await sandbox.start('echo up; while :; do :; done', { signal: stop.signal, killGraceMs: 100 });
      const seen: ResourceUsage[] = [];
      while (seen.length < 200 && (seen.at(-1)?.cpuTimeMs ?? 0) < 150) {
        seen.push(await sandbox.usage());
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      stop.abort();
      const { end } = await ended;
      holds(
        (seen.at(-1)?.cpuTimeMs ?? 0) >= 150,
        {
          promise: 'usage() of a running command grows with its CPU time.',
          mend: 'Measure when asked; do not give an old sample.',
        },
        seen.at(-1),
      );
      assertMonotone([...seen, end.usage]);
      await sandbox.usage();
    },
  },
  {
    name: 'each execution is counted from its own start',
    shares: true,
    needs: needsUsage,
    body: async (house) => {
      const sandbox = await house.shared();
      const first = await sandbox.sh('i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done');
      const second = await sandbox.sh(':');
      const [before, after] = [first.end.usage.cpuTimeMs ?? 0, second.end.usage.cpuTimeMs ?? 0];
      holds(
        before > 60 && after < before / 2,
        {
          promise: 'Usage counts from the start of the execution.',
          mend: "Subtract the counter's value at the start, or count in a group of its own.",
        },
        { before, after },
      );
    },
  },
  {
    name: 'disk use, where it is measured, is what /workspace and /output hold',
    shares: true,
    needs: needsUsage,
    body: async (house) => {
      const sandbox = await house.shared();
      const { end } = await sandbox.sh(
        'dd if=/dev/zero of=a bs=1M count=8 && dd if=/dev/zero of="$OUTPUT_DIR/b" bs=1M count=4 && sync',
      );
      const { diskBytes } = end.usage;
      holds(
        diskBytes === null || (diskBytes >= 11.9 * MiB && diskBytes < 24 * MiB),
        {
          promise: 'usage.diskBytes is what both folders hold, or null.',
          mend: 'Count allocated blocks of both; give null where that is not known.',
        },
        diskBytes,
      );
    },
  },
  {
    name: 'usage() of an unknown sandbox is SANDBOX006, or SANDBOX009 where usage is not claimed',
    body: async ({ provider, claims }) => {
      await refuses(
        () => provider.usage('no-such-sandbox'),
        claims.capabilities.usage ? ['SANDBOX006'] : ['SANDBOX006', 'SANDBOX009'],
        {
          promise: 'usage() is refused where it cannot answer.',
          mend: 'Leave it to the base class where you do not measure.',
        },
      );
    },
  },
]);

function assertMonotone(usages: readonly ResourceUsage[]): void {
  for (const key of ['cpuTimeMs', 'memoryPeakBytes'] as const) {
    const values = usages.flatMap((each) => (each[key] === null ? [] : [each[key]]));
    equal(
      values,
      [...values].sort((a, b) => a - b),
      {
        promise: `${key} never goes back within an execution, and the end has the last word.`,
        mend: 'Read one counter each time; keep the largest where the source forgets processes that have ended.',
      },
    );
  }
}
