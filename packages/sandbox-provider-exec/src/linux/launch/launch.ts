import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { SandboxError } from '@ergon/sandbox-core';
import { etcFiles } from '../bubblewrap/arguments.js';
import { SYSTEM_PATH } from '../../posix/command.js';
import { isAlive, processStart } from '../processes.js';
import { killIfPresent } from '../../posix/kill.js';
import { holdsWithin } from '../../posix/wait.js';
import { coveringLeaks } from './descriptors.js';
import { BWRAP, FIRST_ETC } from './launcher.js';
import { ProgramOutput } from '../../posix/output.js';
import { makePipes, type StandardPipes } from './pipes.js';
import { limitPtys } from './ptys.js';
import { GUEST } from '../../posix/guest.js';
import { LEAD_SCRIPT } from './script.js';
import { parseStatus, parseTimes } from './status.js';
import { readEnd, requireStarted, writeEnd } from '../../posix/streams.js';

/** So many characters are read of each descriptor on which launcher, bubblewrap and init report. They need a few hundred. */
const REPORT_LENGTH = 16_384;

export interface LaunchPlan {
  readonly command: readonly string[];
  readonly bwrapArguments: readonly string[];
  readonly seccomp: Uint8Array;
  /** Of the init. */
  readonly shell: Uint8Array;
  /** Host uid of the sandbox, which owns the program's pipes; null: the server's own. */
  readonly owner: number | null;
  /** Programs may open terminals. */
  readonly terminals: boolean;
}

/** How a launch ended, as it was seen. */
export interface LaunchEnd {
  /** Null: bubblewrap was killed before it could see the program end. */
  readonly exitCode: number | null;
  /** The nonce and the shell's exit code, if the command could not be executed. Else empty. */
  readonly failedExec: string;
  /** CPU time of the processes that their parents waited for. Null: the init was killed before it could say. */
  readonly cpuTimeMs: number | null;
  /** What the init reported since the start, such as "Killed". */
  readonly log: string;
  /** A sentence: why nothing of this can be believed. */
  readonly fault: string | null;
}

/** A sandbox that is up and waits for its program: everything is done but the script. */
export class Launch {
  readonly output: ProgramOutput;
  readonly input: Socket;
  readonly ended: Promise<LaunchEnd>;
  readonly #child: ChildProcess;
  readonly #pipes: StandardPipes;
  #init: { pid: number; start: number } | null = null;
  #status = '';
  #word = '';
  #log = '';
  #closed = false;
  #flooded = false;

  private constructor(child: ChildProcess, pipes: StandardPipes) {
    const { stdin, stdout, stderr } = pipes;
    this.#child = child;
    this.#pipes = pipes;
    const readable = (fd: number): Socket => new Socket({ fd, readable: true, writable: false });
    this.output = new ProgramOutput({ stdout: readable(stdout.ours), stderr: readable(stderr.ours) });
    this.input = new Socket({ fd: stdin.ours, readable: false, writable: true });
    this.input.on('error', () => undefined); // `write` reports it to its caller
    this.#collect(1, (text) => (this.#log += text));
    this.#collect(2, (text) => (this.#log += text));
    this.#collect(BWRAP.status, (text) => (this.#status += text));
    this.#collect(GUEST.status, (text) => (this.#word += text));
    this.ended = new Promise((resolve) => {
      child.once('close', () => {
        this.#closed = true;
        const { exitCode } = parseStatus(this.#status);
        const failedExec = /^[0-9a-f]{32} .*$/m.exec(this.#word)?.[0] ?? '';
        const cpuTimeMs = parseTimes(this.#word);
        void this.#fault().then((fault) => resolve({ exitCode, failedExec, cpuTimeMs, log: this.#log, fault }));
      });
    });
  }

  #collect(fd: number, add: (text: string) => void): void {
    const stream = readEnd(this.#child, fd).setEncoding('utf8');
    let left = REPORT_LENGTH;
    stream.on('data', (text: string) => {
      left -= text.length;
      if (left >= 0) {
        add(text);
        return;
      }
      this.#flooded = true; // no word of ours is that long
      stream.destroy();
      this.killAll();
    });
  }

  /** @throws SandboxError SANDBOX011 with what bubblewrap printed */
  static async park({ command, bwrapArguments, seccomp, shell, owner, terminals }: LaunchPlan): Promise<Launch> {
    const pipes = await makePipes(owner);
    const theirs = [pipes.stdin.theirs, pipes.stdout.theirs, pipes.stderr.theirs];
    const etc = Object.values(etcFiles);
    const stdio = [
      'pipe',
      'pipe',
      'pipe',
      'pipe',
      'pipe',
      'pipe',
      ...theirs,
      'pipe',
      'pipe',
      ...etc.map(() => 'pipe' as const),
    ] as const;
    const [file = '', ...args] = command;
    let child: ChildProcess;
    try {
      const env = { PATH: SYSTEM_PATH }; // the least: what bubblewrap has, a program may get to see
      child = coveringLeaks([...stdio], (all) => spawn(file, args, { stdio: all, env, cwd: '/', detached: true }));
      await requireStarted(child);
    } catch (error) {
      for (const { ours } of [pipes.stdin, pipes.stdout, pipes.stderr]) closeSync(ours);
      throw error;
    } finally {
      for (const fd of theirs) closeSync(fd);
    }
    const launch = new Launch(child, pipes);
    const give = (fd: number, data: string | Uint8Array): void => {
      const stream = writeEnd(child, fd);
      stream.on('error', () => undefined); // it ended before it had read all: its messages say why
      stream.end(data);
    };
    give(BWRAP.args, bwrapArguments.map((word) => `${word}\0`).join(''));
    give(BWRAP.seccomp, seccomp);
    give(BWRAP.initShell, shell);
    etc.forEach((text, index) => give(FIRST_ETC + index, text));
    writeEnd(child, 0).on('error', () => undefined);
    try {
      await launch.#ready();
      if (terminals) await launch.#limitPtys(owner);
    } catch (error) {
      launch.discard();
      throw error;
    }
    return launch;
  }

  async #ready(): Promise<void> {
    await this.#says('ready\n');
    const pid = await this.#childPid();
    const start = processStart(pid);
    if (start !== null) this.#init = { pid, start };
    this.#log = '';
  }

  /** bubblewrap writes it before its init is ready; it may be read after that. */
  #childPid(): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      const stream = readEnd(this.#child, BWRAP.status);
      const look = (): void => {
        const { childPid } = parseStatus(this.#status);
        if (childPid === null) return;
        stream.off('data', look);
        resolve(childPid);
      };
      stream.on('data', look);
      void this.ended.then(() =>
        reject(new SandboxError('SANDBOX011', 'The sandbox could not be made: it has no init.')),
      );
      look();
    });
  }

  async #limitPtys(uid: number | null): Promise<void> {
    const failure = await limitPtys(this.initPid, uid);
    if (failure === null) return;
    throw new SandboxError('SANDBOX011', `The sandbox could not be made: its terminals have no limit (${failure}).`);
  }

  /** Its shells have said this, and nothing else. @throws SandboxError SANDBOX011 with what was said instead */
  #says(words: string): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const stream = readEnd(this.#child, GUEST.status);
      const look = (): void => {
        if (!this.#word.startsWith(words)) return;
        stream.off('data', look);
        resolve();
      };
      stream.on('data', look);
      this.#child.once('error', reject);
      void this.ended.then(({ log, fault }) => {
        const why = fault ?? (log.trim() || 'it ended without a message');
        reject(new SandboxError('SANDBOX011', `The sandbox could not be made: ${why}`));
      });
    });
  }

  /** Makes the waiting shell one that can get a terminal. */
  async leadSession(): Promise<void> {
    writeEnd(this.#child, 0).write(LEAD_SCRIPT);
    await this.#says('ready\nleads\n');
  }

  /** The program's ends of its stdin and stdout once more, for what stands between it and them. The caller closes them. */
  openPipes(): { readonly input: number; readonly output: number } {
    const { stdin, stdout } = this.#pipes;
    const input = openSync(`/proc/self/fd/${stdin.ours}`, constants.O_RDONLY);
    try {
      return { input, output: openSync(`/proc/self/fd/${stdout.ours}`, constants.O_WRONLY) };
    } catch (error) {
      closeSync(input);
      throw error;
    }
  }

  get alive(): boolean {
    return !this.#closed;
  }
  /** bubblewrap's own pid, of which the sandbox's init is a child. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }
  /** The sandbox's init on the host. */
  get initPid(): number {
    return this.#init?.pid ?? 0;
  }

  /** Turns the waiting shell into the program. */
  go(script: string): void {
    this.output.start();
    writeEnd(this.#child, 0).end(script);
  }

  /** Ends every process of the sandbox: bubblewrap takes its init along, and the kernel the namespace with that. */
  killAll(): void {
    if (this.#closed) return;
    this.#child.kill('SIGKILL');
    if (this.#init !== null && isAlive(this.#init.pid, this.#init.start)) killIfPresent(this.#init.pid, 'SIGKILL');
  }

  /** Ends what is left of it. What it printed can still be read. */
  discard(): void {
    this.killAll();
    this.input.destroy();
  }

  /** An init whose bubblewrap was killed is still there while the kernel ends its namespace; it is a zombie, or gone, after that. */
  async #fault(): Promise<string | null> {
    const init = this.#init;
    const gone = init === null || (await holdsWithin(30_000, () => !isAlive(init.pid, init.start)));
    if (!gone) return 'Processes of the sandbox are still there long after they were killed.';
    return this.#flooded ? 'The sandbox was ended: it reported more than a sandbox has to report.' : null;
  }
}
