import { unmeasuredUsage } from '@ergon/sandbox-core';
import type { ExecutionEnd, Report, ResourceUsage } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { executes, tells } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';
import type { Create } from './support/run-suite.js';

function measures(alter: (usage: ResourceUsage) => Partial<ResourceUsage>): Create {
  return tells((end) => ({ ...end, usage: { ...end.usage, ...alter(end.usage) } }));
}

/** It reports otherwise. */
function reports(alter: (report: Report) => readonly Report[]): Create {
  return executes(({ report, ...options }) => ({
    ...options,
    report: (each) => {
      for (const altered of alter(each)) report?.(altered);
    },
  }));
}

class SumsUp extends SandboxExecProvider {
  #sum = 0;

  override async getResult(sandboxId: string): Promise<ExecutionEnd> {
    const end = await super.getResult(sandboxId);
    this.#sum += end.usage.cpuTimeMs ?? 0;
    return { ...end, usage: { ...end.usage, cpuTimeMs: this.#sum } };
  }
}

class MeasuresAtTheEnd extends SandboxExecProvider {
  protected override async measure(): Promise<ResourceUsage> {
    return unmeasuredUsage;
  }
}

class MeasuresAnything extends SandboxExecProvider {
  override async usage(): Promise<ResourceUsage> {
    return unmeasuredUsage;
  }
}

const tree = /CPU time and the peak of memory are those of the whole tree/;
const samples = /samples are reported while it runs/;
let passed = 0;

provesThatTheSuiteCatches([
  {
    that: 'claims usage and does not measure it',
    create: measures(() => unmeasuredUsage),
    caughtBy: tree,
    message: /Read it from the cgroup or the engine after the last process has ended/,
  },
  {
    that: 'tells CPU time in seconds',
    create: measures(({ cpuTimeMs }) => ({ cpuTimeMs: (cpuTimeMs ?? 0) / 1000 })),
    caughtBy: tree,
    message: /user and system time of all processes, in ms/,
  },
  {
    that: 'tells memory in kilobytes',
    create: measures(({ memoryPeakBytes }) => ({ memoryPeakBytes: (memoryPeakBytes ?? 0) / 1024 })),
    caughtBy: tree,
    message: /the most memory of all processes together, in bytes/,
  },
  {
    that: 'tells what is no number',
    create: measures(() => ({ pids: NaN })),
    caughtBy: tree,
    message: /Usage is numbers, or null where not measured/,
  },
  {
    that: 'reports no samples',
    create: reports((report) => (report.type === 'sample' ? [] : [report])),
    caughtBy: samples,
    message: /A run of two seconds reports samples/,
  },
  {
    that: 'reports samples that go back',
    create: reports((report) =>
      report.type === 'sample' ? [{ ...report, usage: { ...report.usage, cpuTimeMs: 1e6 - passed++ } }] : [report],
    ),
    caughtBy: samples,
    message: /cpuTimeMs never goes back within an execution/,
  },
  {
    that: 'does not report that a program runs',
    create: reports((report) => (report.type === 'phase' ? [] : [report])),
    caughtBy: samples,
    message: /reports the phase `started` once/,
  },
  {
    that: 'reports the end of a program twice',
    create: reports((report) => (report.type === 'phase' && report.phase === 'ended' ? [report, report] : [report])),
    caughtBy: samples,
    message: /one that ended reports `ended` once/,
  },
  {
    that: 'cannot say what a running command uses',
    create: (ports) => new MeasuresAtTheEnd(ports),
    caughtBy: /usage\(\) tells of the running command/,
    message: /Measure when asked; do not give an old sample/,
  },
  {
    that: 'sums up the executions of a sandbox',
    create: (ports) => new SumsUp(ports),
    caughtBy: /each execution is counted from its own start/,
    message: /Usage counts from the start of the execution/,
  },
  {
    that: 'does not count what lies in the folders',
    create: measures(() => ({ diskBytes: 0 })),
    caughtBy: /disk use, where it is measured/,
    message: /Count allocated blocks of both/,
  },
  {
    that: 'measures sandboxes that it does not know',
    create: (ports) => new MeasuresAnything(ports),
    caughtBy: /usage\(\) of an unknown sandbox/,
    message: /usage\(\) is refused where it cannot answer/,
  },
]);
