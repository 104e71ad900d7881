import { spawn } from 'node:child_process';
import { killIfPresent } from './kill.js';

/** Where the system's own tools are; the server's PATH may put others first. */
export const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

export interface CommandResult {
  /** Null: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Host user to run as, without supplementary groups; else our own. */
  readonly uid?: number | null;
  /** Kills it, and what it started in its process group. */
  readonly signal?: AbortSignal;
}

/** Runs a tool to its end, with no environment of ours. @throws the signal's reason, once an aborted one has ended */
export async function runCommand(
  file: string,
  args: readonly string[],
  { uid, signal }: CommandOptions = {},
): Promise<CommandResult> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: SYSTEM_PATH, LANG: 'C.UTF-8' },
      cwd: '/',
      detached: true, // a terminal's Ctrl-C is for the server, which then ends what it started
      ...(typeof uid === 'number' && { uid, gid: uid }),
    });
    child.on('error', reject);
    const { pid } = child;
    if (pid === undefined) return; // then it has no streams, and the error follows
    const kill = (): void => {
      if (child.exitCode === null && child.signalCode === null) killIfPresent(-pid, 'SIGKILL');
    };
    signal?.addEventListener('abort', kill, { once: true });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('close', (code) => {
      signal?.removeEventListener('abort', kill);
      if (signal?.aborted === true) reject(signal.reason as Error);
      else resolve({ code, stdout, stderr });
    });
  });
}
