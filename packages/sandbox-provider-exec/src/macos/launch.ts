import { spawn, type ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { SandboxError } from '@ergon/sandbox-core';
import { SYSTEM_PATH } from '../posix/command.js';
import { ProgramOutput } from '../posix/output.js';
import { GUEST } from '../posix/guest.js';
import { readEnd, requireStarted, writeEnd } from '../posix/streams.js';

/** So many characters are read of each descriptor on which the launcher reports. It needs a few hundred. */
const REPORT_LENGTH = 16_384;

/** How the process ended that was sandbox-exec, then a shell, then the program: it is one and the same. */
export interface MacEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The nonce and the shell's exit code, if the command could not be executed. Else empty. */
  readonly failedExec: string;
}

/** A sandbox that is up and waits for its script. */
export class MacLaunch {
  readonly output: ProgramOutput;
  readonly ended: Promise<MacEnd>;
  readonly #child: ChildProcess;
  #log = '';
  #word = '';
  #exited = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.output = new ProgramOutput({
      stdout: socketOf(child, GUEST.stdout),
      stderr: socketOf(child, GUEST.stderr),
    });
    for (const fd of [0, GUEST.stdin]) writeEnd(child, fd).on('error', () => undefined); // `write` reports it to its caller
    for (const fd of [1, 2]) this.#collect(fd, (text) => (this.#log += text));
    this.#collect(GUEST.status, (text) => (this.#word += text));
    const said = new Promise<void>((resolve) => readEnd(child, GUEST.status).once('close', resolve)); // only the shell has it
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exited = true;
        void said.then(() => {
          const [, line = ''] = this.#word.split('\n');
          resolve({ code, signal, failedExec: /^[0-9a-f]{32} /.test(line) ? line : '' });
        });
      });
    });
  }

  #collect(fd: number, add: (text: string) => void): void {
    const stream = readEnd(this.#child, fd).setEncoding('utf8');
    let left = REPORT_LENGTH;
    stream.on('data', (text: string) => {
      left -= text.length;
      if (left >= 0) add(text);
      else stream.destroy();
    });
    stream.on('error', () => stream.destroy());
  }

  /** @throws SandboxError SANDBOX011 with what sandbox-exec or the shell printed */
  static async start(command: readonly string[], folder: string): Promise<MacLaunch> {
    const [file = '', ...args] = command;
    const stdio = Array.from({ length: GUEST.status + 1 }, (_, fd) =>
      fd < 3 || fd >= GUEST.stdin ? ('pipe' as const) : ('ignore' as const),
    );
    const child = spawn(file, args, { stdio, env: { PATH: SYSTEM_PATH }, cwd: folder, detached: true });
    await requireStarted(child);
    const launch = new MacLaunch(child);
    await launch.#ready();
    return launch;
  }

  async #ready(): Promise<void> {
    const words = readEnd(this.#child, GUEST.status);
    await new Promise<void>((resolve) => {
      words.on('data', () => {
        if (this.#word.startsWith('ready\n')) resolve();
      });
      words.once('close', () => resolve());
    });
    if (this.#word.startsWith('ready\n')) return;
    this.killGroup();
    await this.ended;
    const why = this.#log.trim() || 'it ended without a message';
    throw new SandboxError('SANDBOX011', `The sandbox could not be made: ${why}`);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }
  get exited(): boolean {
    return this.#exited;
  }

  /** Turns the waiting shell into the program. */
  go(script: string, stdin: boolean): void {
    this.output.start();
    if (!stdin) this.closeInput(() => undefined);
    writeEnd(this.#child, 0).end(script);
  }

  write(data: Uint8Array, done: (error?: Error | null) => void): void {
    writeEnd(this.#child, GUEST.stdin).write(data, done);
  }
  closeInput(done: () => void): void {
    writeEnd(this.#child, GUEST.stdin).end(done);
  }

  /** While the first process is not waited for, its pid is that of the group and of nobody else. */
  killGroup(): void {
    if (this.#exited) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Lets go of all but what it printed. */
  discard(): void {
    for (const fd of [0, GUEST.stdin]) writeEnd(this.#child, fd).destroy();
    for (const fd of [1, 2, GUEST.status]) readEnd(this.#child, fd).destroy();
  }
}

function socketOf(child: ChildProcess, fd: number): Socket {
  const stream: unknown = (child.stdio as readonly unknown[])[fd];
  if (stream instanceof Socket) return stream;
  throw new TypeError(`Descriptor ${fd} is no socket.`);
}
