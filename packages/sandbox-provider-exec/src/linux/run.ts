import { randomBytes } from 'node:crypto';
import { sentenceOf, unmeasuredUsage } from '@ergon/sandbox-core';
import type {
  CommandSpec,
  ExecutionEnd,
  LimitHit,
  LimitName,
  Logger,
  ResourceUsage,
  SandboxProcess,
} from '@ergon/sandbox-core';
import { runCommand } from '../posix/command.js';
import { describeEnd } from './launch/end.js';
import { pipeInput, terminalInput } from './launch/input.js';
import type { LaunchEnd } from './launch/launch.js';
import { guestScript } from '../posix/guest.js';
import type { Terminal } from './launch/terminal.js';
import type { Parked } from './parking.js';
import { killIfPresent } from '../posix/kill.js';
import type { DiskMeter } from '../posix/counted-disk.js';
import { Watchdog } from '../posix/watchdog.js';

export interface RunContext {
  readonly environment: Readonly<Record<string, string>>;
  readonly openFiles: number;
  readonly fileBytes: number;
  /** The host uid of the sandbox; null: the server's own. */
  readonly uid: number | null;
  /** For a program in one, with its path in the sandbox. */
  readonly tty: { readonly terminal: Terminal; readonly path: string } | null;
  readonly disk: DiskMeter;
  readonly logger: Logger;
}

/** Turns a parked sandbox into its program. */
export function startRun(parked: Parked, run: CommandSpec, context: RunContext): SandboxProcess {
  const { launch, accounting } = parked;
  const nonce = randomBytes(16).toString('hex');
  let killed = false;
  let unwatched: string | null = null;
  const killAll = (): void => {
    killed = true;
    launch.killAll();
  };
  accounting.start();
  const { environment, openFiles, tty } = context;
  const input = tty === null ? pipeInput(launch.input) : terminalInput(launch.input);
  if (!run.stdin) input.close().catch(() => undefined); // it has ended already: then nobody misses it
  launch.go(
    guestScript({ command: run.command, environment, openFiles, stdin: run.stdin, terminal: tty?.path, nonce }),
  );
  const told = new Set<LimitName>();
  const exceeded = (hit: LimitHit): void => {
    told.add(hit.limit);
    run.exceeded(hit);
  };
  const watchdog = new Watchdog([...parked.watched, ...context.disk.watched], exceeded, (error) => {
    unwatched = `A limit could no longer be watched, so the run was ended: ${sentenceOf(error)}`;
    context.logger.error(unwatched);
    killAll();
  });
  const settle = async (seen: LaunchEnd): Promise<ExecutionEnd> => {
    await watchdog.stop();
    accounting.finish(seen.cpuTimeMs);
    const { usage, limitsHit: met } = await account(parked, context.disk).finally(() => parked.remove());
    const limitsHit = met.filter(({ limit }) => !told.has(limit));
    const end = describeEnd(seen, {
      program: run.command[0] ?? '',
      nonce,
      killed,
      fileBytes: context.fileBytes,
      limitsHit,
      usage,
    });
    return unwatched === null ? end : { ...end, cause: 'lost', exitCode: null, signal: null, reason: unwatched };
  };
  return {
    output: launch.output,
    write: input.write,
    closeInput: input.close,
    ...(tty && { resize: (size) => tty.terminal.resize(size) }),
    kill: async (signal) => {
      if (signal === 'SIGKILL') killAll();
      else await terminate(accounting.processes(), context.uid);
    },
    gone: launch.ended.then(() => undefined),
    ended: launch.ended.then(settle).catch((error: unknown) => {
      // Its end was not seen to the last, or what it leaves could not be removed.
      const unknown = { exitCode: null, signal: null, limitsHit: [], usage: unmeasuredUsage };
      return { ...unknown, cause: 'lost', reason: sentenceOf(error) };
    }),
  };
}

export async function account(
  { accounting }: Parked,
  disk: DiskMeter,
): Promise<{ readonly usage: ResourceUsage; readonly limitsHit: LimitHit[] }> {
  const { usedBytes, hit } = await disk.use();
  const limitsHit = [...accounting.hits(), ...(hit === null ? [] : [hit])];
  return { usage: { ...accounting.usage(), diskBytes: usedBytes }, limitsHit };
}

/** SIGTERM, as the sandbox's uid, so that a pid that was meanwhile given to another's process is not hit. */
async function terminate(pids: readonly number[], uid: number | null): Promise<void> {
  if (uid === null) for (const pid of pids) killIfPresent(pid, 'SIGTERM');
  else await runCommand('/bin/sh', ['-c', 'kill -TERM "$@" 2>/dev/null; :', 'sh', ...pids.map(String)], { uid });
}
