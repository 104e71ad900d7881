import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type {
  CommandSpec,
  ExecutionEnd,
  LimitHit,
  LimitName,
  SandboxLimits,
  SandboxProcess,
  SandboxTemplate,
} from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { executes, opens, tells, wraps, type Box } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';
import type { Create } from './support/run-suite.js';
import { leftovers } from './support/system.js';

/** It claims to keep the limits that it is given, and keeps others. */
function keeps(alter: (limits: SandboxLimits) => Partial<SandboxLimits>): Create {
  return opens((template) => ({ ...template, limits: { ...template.limits, ...alter(template.limits) } }));
}

/** It tells the hits of limits otherwise than they were. */
function tellsHits(alter: (hit: LimitHit) => readonly LimitHit[]): Create {
  return tells((end) => ({ ...end, limitsHit: end.limitsHit.flatMap(alter) }));
}

function saysNothingOf(limit: LimitName): Create {
  return tellsHits((hit) => (hit.limit === limit ? [] : [hit]));
}

/** Sets no limit, and has precedence, so that it gets more than the limit on a busy machine, too. */
class TakesCpus extends SandboxExecProvider {
  readonly #ids = new Map<Box, string>();

  protected override async open(template: SandboxTemplate): Promise<Box> {
    const box = await super.open({ ...template, limits: { ...template.limits, cpus: 2 } });
    this.#ids.set(box, template.sandboxId);
    return box;
  }
  protected override async spawn(box: Box, run: CommandSpec): Promise<SandboxProcess> {
    const groups = leftovers([this.#ids.get(box) ?? '']).filter((name) => name.startsWith('/sys/fs/cgroup/cpu'));
    for (const group of groups.flatMap((folder) => [folder, dirname(folder), dirname(dirname(folder))])) {
      const shares = join(group, 'cpu.shares');
      if (existsSync(shares)) writeFileSync(shares, '262144');
    }
    return super.spawn(box, run);
  }
}

class RemembersHits extends SandboxExecProvider {
  readonly #hits: LimitHit[] = [];

  override async getResult(sandboxId: string): Promise<ExecutionEnd> {
    const end = await super.getResult(sandboxId);
    const limitsHit = [...this.#hits, ...end.limitsHit];
    if (limitsHit.length === 1) this.#hits.push(...limitsHit);
    return { ...end, limitsHit: limitsHit.slice(0, 1) };
  }
}

const GiB = 2 ** 30;
const main = /memory: a main process that takes more is ended/;
const guess: LimitHit = { limit: 'memory', value: 1, evidence: 'It used a lot of memory.' };

provesThatTheSuiteCatches([
  {
    that: 'sets no limit of memory',
    create: keeps(() => ({ memoryBytes: 4 * GiB })),
    caughtBy: main,
    message: /A program that takes more memory than the limit is ended as `limit`/,
  },
  {
    that: 'limits the memory of each process by itself',
    create: keeps(({ memoryBytes }) => ({ memoryBytes: 3 * memoryBytes })),
    caughtBy: /memory: many processes count together/,
    message: /Bound the memory of all processes together/,
  },
  {
    that: 'takes a kill for want of memory for any death by SIGKILL',
    create: tells((end) => (end.cause === 'limit' ? { ...end, cause: 'signalled', limitsHit: [] } : end)),
    caughtBy: main,
    message: /read the count of out-of-memory kills at the end/,
  },
  {
    that: 'takes an exit with 0 for a success, whatever was killed',
    create: tells((end) => (end.exitCode === 0 ? { ...end, cause: 'exited' } : end)),
    caughtBy: /memory: a child that met the limit/,
    message: /do not derive the cause from the exit code/,
    rootOnly: true,
  },
  {
    that: 'ends by `limit` and does not name it',
    create: saysNothingOf('memory'),
    caughtBy: main,
    message: /An end at the limit memory names it once/,
  },
  {
    that: 'names a limit without evidence',
    create: tellsHits((hit) => [{ ...hit, evidence: '' }]),
    caughtBy: main,
    message: /its name, its value, and evidence/,
  },
  {
    that: 'names a limit in another unit',
    create: tellsHits((hit) => [{ ...hit, value: hit.value / 2 ** 20 }]),
    caughtBy: main,
    message: /An end at the limit memory names it once, with its value 100663296/,
  },
  {
    that: 'guesses that a limit was hit',
    create: tells((end) => ({ ...end, limitsHit: [guess] })),
    caughtBy: /memory: a program below the limit does not meet it/,
    message: /What fits is not ended/,
  },
  {
    that: 'tells of limits that an earlier execution hit',
    create: (ports) => new RemembersHits(ports),
    caughtBy: main,
    message: /limitsHit tells of this execution alone/,
  },
  {
    that: 'sets no limit of CPU time',
    create: (ports) => new TakesCpus(ports),
    caughtBy: /cpu: busy processes get no more time/,
    message: /Set the quota of the cgroup or container/,
    rootOnly: true,
  },
  {
    that: 'sets no limit of processes',
    create: keeps(() => ({ pids: 1000 })),
    caughtBy: /pids: processes are bounded/,
    message: /Set pids\.max of the cgroup or container/,
  },
  {
    that: 'counts its own processes among those of the program',
    create: keeps(({ pids }) => ({ pids: pids / 2 })),
    caughtBy: /pids: threads count as well/,
    message: /plus what of your own lives in it/,
  },
  {
    that: 'does not say that the limit of processes was hit',
    create: saysNothingOf('pids'),
    caughtBy: /pids: processes are bounded/,
    message: /An end at the limit pids names it once/,
  },
  {
    that: 'sets no limit of the disk',
    create: keeps(() => ({ diskBytes: GiB })),
    caughtBy: /disk: more than fits into \/workspace/,
    message: /Give each sandbox a disk of its own or a project quota/,
  },
  {
    that: 'does not say that the limit of the disk was hit',
    create: saysNothingOf('disk'),
    caughtBy: /disk: more than fits into \/output/,
    message: /An end at the limit disk names it once/,
  },
  {
    that: 'counts sizes of files in place of blocks',
    create: wraps('"$@"; code=$?; [ $(du -sb . | cut -f1) -lt 20971520 ] || exit 99; exit $code'),
    caughtBy: /disk: a sparse file takes what it holds/,
    message: /Sum allocated blocks/,
  },
  {
    that: 'gives half of the disk',
    create: keeps(({ diskBytes }) => ({ diskBytes: diskBytes / 2 })),
    caughtBy: /disk: what fits, fits/,
    message: /leaves room for nearly N bytes/,
  },
  {
    that: 'sets no limit of open files',
    create: keeps(() => ({ openFiles: 1024 })),
    caughtBy: /open-files: a process can open no more/,
    message: /RLIMIT_NOFILE is the limit, soft and hard/,
  },
  {
    that: 'sets no limit of the size of files',
    create: keeps(() => ({ fileBytes: GiB })),
    caughtBy: /file-size: a file that grows past the limit/,
    message: /RLIMIT_FSIZE ends a program/,
  },
  {
    that: 'does not say that the limit of the size of files was hit',
    create: saysNothingOf('file-size'),
    caughtBy: /file-size: a file that grows past the limit/,
    message: /An end at the limit file-size names it once/,
  },
  {
    that: 'counts the preparation into the time of the program',
    create: executes((options) => ({ ...options, timeoutMs: Math.max(50, options.timeoutMs - 500) })),
    caughtBy: /wall-time: the deadline counts/,
    message: /Start the timer when the program starts/,
  },
]);
