import { randomBytes } from 'node:crypto';
import { SandboxError } from '@ergon/sandbox-core';
import type { CommandSpec } from '@ergon/sandbox-core';
import type { RunContainer } from './container/run-container.js';
import { programLine } from './container/script.js';
import { DockerRun, type RunContext } from './run.js';

/** Turns a parked container into its program. @throws SandboxError when it can't be started; nothing of it ran then. */
export async function startRun(container: RunContainer, run: CommandSpec, context: RunContext): Promise<DockerRun> {
  if ([...run.command, ...Object.values(context.environment)].some((word) => word.includes('\0'))) {
    throw new SandboxError('SANDBOX008', 'Neither a command nor an environment variable can hold a NUL.');
  }
  // A rare first byte: the rest of a program's output is never held back for the sake of a marker.
  const nonce = `\x1e${randomBytes(16).toString('hex').toUpperCase()}`;
  const { command, stdin, tty, signal } = run;
  const environment = tty === undefined ? context.environment : { TERM: 'xterm', ...context.environment };
  const shell =
    tty === undefined
      ? null
      : await container.takeTerminal(tty, signal).catch((error: unknown) => {
          throwIfStopped(signal);
          throw error;
        });
  throwIfStopped(signal); // what is not wanted any more never runs
  const exec = shell?.exec ?? container.takeShell();
  const process = new DockerRun(container, exec, nonce, run, context);
  const line = shell?.line ?? exec.socket;
  line.write(programLine({ command, environment, stdin: stdin || tty !== undefined, nonce }));
  return process;
}

/** @throws SandboxError SANDBOX011 */
export function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted) throw new SandboxError('SANDBOX011', 'The command was stopped before it started.');
}
