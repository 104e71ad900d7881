import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { Duplex, type Readable, type Writable } from 'node:stream';
import { hasErrorCode, SandboxError } from '@ergon/sandbox-core';
import type { SshAddress } from './endpoint.js';

const complaintBytes = 4096;

/**
 * ssh's command line: as Docker's own (docker/cli, `connhelper`), but never asking anyone anything. The address was checked: no part of it is taken for an option here, or for more
 * than a word by the shell over there.
 */
export function sshArguments({ host, port, user, socket }: SshAddress): string[] {
  return [
    ...['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=30', '-T'],
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', `${port}`]),
    ...['--', host, 'docker'],
    ...(socket === undefined ? [] : [`--host=unix://${socket}`]),
    ...['system', 'dial-stdio'],
  ];
}

/** What ssh needs of the environment to find the user's settings, keys and agent. */
export function sshEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, USER, LOGNAME, SSH_AUTH_SOCK } = process.env;
  return { PATH, HOME, USER, LOGNAME, SSH_AUTH_SOCK };
}

/**
 * A byte stream to the engine over there, through `ssh … docker system dial-stdio`. Its `close` comes when the process is gone. Has what an http.Agent asks of a socket.
 */
export class SshConnection extends Duplex {
  readonly #ssh: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #gone: Promise<void>;
  #complaint = '';

  constructor(private readonly address: SshAddress) {
    super({ allowHalfOpen: true });
    // A process group of its own: an interrupt at the terminal is for this program, which may still have to tidy up over there.
    this.#ssh = spawn('ssh', sshArguments(address), {
      env: sshEnvironment(),
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdin, stdout, stderr } = this.#ssh;
    this.#gone = new Promise<void>((resolve) => {
      this.#ssh.once('close', () => resolve());
      this.#ssh.once('error', (error) => {
        this.destroy(this.#failure(error.message, error));
        resolve();
      });
    });
    // What ssh no longer reads, its end will explain better than EPIPE.
    stdin.on('error', () => {});
    stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stdout.pause();
    });
    stderr.on('data', (chunk: Buffer) => {
      if (this.#complaint.length < complaintBytes) this.#complaint += chunk.toString();
    });
    // An end is one only when ssh says so: a connection that broke looks the same on the pipe.
    this.#ssh.on('close', (code, signal) => {
      if (code === 0) this.push(null);
      else this.destroy(this.#failure(this.#complaint.trim() || `ssh ended with ${signal ?? `exit code ${code}`}`));
    });
  }

  override _read(): void {
    this.#ssh.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#ssh.stdin.write(chunk, () => done());
  }

  override _final(done: () => void): void {
    this.#ssh.stdin.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { pid, exitCode, signalCode } = this.#ssh;
    if (pid !== undefined && exitCode === null && signalCode === null) killGroup(pid);
    void this.#gone.then(() => done(error));
  }

  ref(): this {
    return this.#hold('ref');
  }

  /** From now on it does not keep this process alive. */
  unref(): this {
    return this.#hold('unref');
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  #hold(how: 'ref' | 'unref'): this {
    this.#ssh[how]();
    // Node's pipes to a child are sockets.
    for (const pipe of [this.#ssh.stdin, this.#ssh.stdout, this.#ssh.stderr]) (pipe as Socket)[how]();
    return this;
  }

  #failure(reason: string, cause?: unknown): SandboxError {
    const { host } = this.address;
    const sentence = hasErrorCode(cause, 'ENOENT')
      ? 'ssh is not installed here. Install it with "apt-get install openssh-client".'
      : `The engine on ${host} cannot be reached through ssh: ${reason}. "ssh ${host} docker version" must work without a question.`;
    return new SandboxError('SANDBOX001', sentence, { cause });
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    // It was faster.
    if (!hasErrorCode(error, 'ESRCH')) throw error;
  }
}
