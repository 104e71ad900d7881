import { sentenceOf, unmeasuredUsage } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  ExecutionEnd,
  LimitName,
  Logger,
  ResourceUsage,
  SandboxLimits,
  SandboxProcess,
} from '@ergon/sandbox-core';
import { guestScript } from '../posix/guest.js';
import { killIfPresent } from '../posix/kill.js';
import type { DiskMeter } from '../posix/counted-disk.js';
import { holdsWithin } from '../posix/wait.js';
import { Watchdog } from '../posix/watchdog.js';
import { describeMacEnd } from './end.js';
import type { MacEnd, MacLaunch } from './launch.js';
import type { FamilyMeter } from './meter.js';
import { FORGET_SHELL } from './start.js';

/** In which processes that were killed have to be gone. */
const GONE_WITHIN_MS = 30_000;
/** A process that no look found may hold the output: once nothing comes of it for so long, nobody waits for it. */
const QUIET_MS = 1000;

export interface MacRunContext {
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: SandboxLimits;
  readonly nonce: string;
  readonly meter: FamilyMeter;
  readonly disk: DiskMeter;
  readonly logger: Logger;
}

/** Turns a sandbox that waits into its program. */
export function startMacRun(launch: MacLaunch, run: CommandSpec, context: MacRunContext): SandboxProcess {
  const { meter, disk, limits, nonce, logger } = context;
  let killed = false;
  let fault: string | null = null;
  const told = new Set<LimitName>();

  /** Again and again, since new ones may be started between looking and killing. */
  const endAll = async (): Promise<void> => {
    launch.killGroup();
    const ended = await holdsWithin(GONE_WITHIN_MS, async () => {
      const living = await meter.find();
      for (const { pid } of living) killIfPresent(pid, 'SIGKILL');
      return living.length === 0;
    });
    if (!ended) fault ??= 'Processes of the sandbox are still there long after they were killed.';
  };
  const kill = (): Promise<void> => {
    killed = true;
    return endAll();
  };

  const { openFiles } = limits;
  const script = guestScript({
    command: run.command,
    environment: context.environment,
    openFiles,
    stdin: run.stdin,
    nonce,
  });
  launch.go(`${FORGET_SHELL}${script}`, run.stdin);
  const watchdog = new Watchdog(
    [...meter.watched, ...disk.watched],
    (hit) => {
      told.add(hit.limit);
      run.exceeded(hit);
    },
    (error) => {
      fault = `A limit could no longer be watched, so the run was ended: ${sentenceOf(error)}`;
      logger.error(fault);
      kill().catch((failure: unknown) => logger.error(sentenceOf(failure)));
    },
  );

  /** The first process's end is the program's: what it left behind goes with it. */
  const gone = launch.ended.then(async (seen) => {
    await watchdog.stop();
    await endAll().catch((error: unknown) => (fault = sentenceOf(error)));
    meter.finish();
    launch.discard();
    void launch.output.abandon(QUIET_MS);
    return seen;
  });
  const settle = async (seen: MacEnd): Promise<ExecutionEnd> => {
    const { usedBytes, hit } = fault === null ? await disk.use() : { usedBytes: null, hit: null };
    const usage: ResourceUsage = { ...meter.usage(), diskBytes: usedBytes };
    const end = describeMacEnd(seen, {
      program: run.command[0] ?? '',
      nonce,
      killed,
      fileBytes: limits.fileBytes,
      cpus: limits.cpus,
      limitsHit: [...meter.hits(), ...(hit === null ? [] : [hit])].filter(({ limit }) => !told.has(limit)),
      usage,
    });
    return fault === null ? end : { ...end, cause: 'lost', exitCode: null, signal: null, reason: fault };
  };
  return {
    output: launch.output,
    write: (data) =>
      new Promise((resolve, reject) => {
        launch.write(data, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    closeInput: () => new Promise((resolve) => launch.closeInput(resolve)),
    kill: async (signal) => {
      if (signal === 'SIGKILL') await kill();
      else for (const { pid } of await meter.find()) killIfPresent(pid, 'SIGTERM');
    },
    gone: gone.then(() => undefined),
    ended: gone.then(settle).catch((error: unknown) => {
      const unknown = { exitCode: null, signal: null, limitsHit: [], usage: unmeasuredUsage };
      return { ...unknown, cause: 'lost', reason: sentenceOf(error) };
    }),
  };
}
