import { randomBytes } from 'node:crypto';
import { SandboxError } from '@ergon/sandbox-core';
import type { CommandSpec } from '@ergon/sandbox-core';
import type { RunContainer } from './container/run-container.js';
import { programLine, terminalShell } from './container/script.js';
import { DockerRun, type RunContext } from './run.js';

/** Turns a parked container into its program. @throws SandboxError when it can't be started; nothing of it ran then. */
export async function startRun(container: RunContainer, run: CommandSpec, context: RunContext): Promise<DockerRun> {
  if ([...run.command, ...Object.values(context.environment)].some((word) => word.includes('\0'))) {
    throw new SandboxError('SANDBOX008', 'Neither a command nor an environment variable can hold a NUL.');
  }
  // A rare first byte: the rest of a program's output is never held back for the sake of a marker.
  const nonce = `\x1e${randomBytes(16).toString('hex').toUpperCase()}`;
  const { command, stdin, tty } = run;
  if (tty === undefined) {
    const exec = container.takeShell();
    const process = new DockerRun(container, exec, nonce, run, context);
    exec.socket.write(programLine({ command, environment: context.environment, stdin, nonce }));
    return process;
  }
  const environment = { TERM: 'xterm', ...context.environment };
  const exec = await container.withRoomToStart(() =>
    container.exec(terminalShell({ command, environment, stdin: true, nonce }, tty), tty),
  );
  container.dropShell();
  const process = new DockerRun(container, exec, nonce, run, context);
  await process.resize(tty).catch(() => undefined); // it may have ended already
  return process;
}
