import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { SandboxError } from '@ergon/sandbox-core';
import { SYSTEM_PATH } from '../../posix/command.js';
import { killIfPresent } from '../../posix/kill.js';
import { coveringLeaks } from '../launch/descriptors.js';
import { readEnd, writeEnd } from '../../posix/streams.js';

/**
 * A root shell in a mount namespace of its own, which holds a sandbox's mounts. It reads commands from a pipe that ends with this
 * server, and with the shell end the namespace, its mounts, and the loop device below them.
 */
export class MountHolder {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #answers = '';
  #wake: () => void = () => undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #ended = false;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = once(child, 'exit').finally(() => {
      this.#ended = true;
      this.#wake();
    });
    readEnd(child, 1)
      .setEncoding('utf8')
      .on('data', (text: string) => {
        this.#answers += text;
        this.#wake();
      });
    writeEnd(child, 0).on('error', () => undefined); // it ended: `run` says so
  }

  static async start(marker: string): Promise<MountHolder> {
    const child = coveringLeaks(['pipe', 'pipe', 'ignore'], (stdio) =>
      spawn('unshare', ['-m', '--propagation', 'private', '/bin/sh', '-s', marker], {
        stdio,
        env: { PATH: SYSTEM_PATH },
        cwd: '/',
        detached: true, // a process group of its own
      }),
    );
    await once(child, 'spawn');
    return new MountHolder(child);
  }

  /** @throws SandboxError SANDBOX011 when it has ended: its pid may by now be another's */
  get pid(): number {
    const { pid } = this.#child;
    if (this.#ended || pid === undefined) {
      throw new SandboxError('SANDBOX011', "The process that holds the sandbox's mounts ended.");
    }
    return pid;
  }

  /** A path of its namespace as this process can open it. Only for paths whose every part is ours. */
  visible(path: string): string {
    return `/proc/${this.pid}/root${path}`;
  }

  /** Runs commands one after another until one fails. @throws SandboxError SANDBOX011 with what they printed */
  run(commands: readonly string[]): Promise<void> {
    const result = this.#queue.then(() => this.#run(commands));
    this.#queue = result.catch(() => undefined);
    return result;
  }

  async #run(commands: readonly string[]): Promise<void> {
    this.#answers = '';
    writeEnd(this.#child, 0).write(`{ ${commands.join(' &&\n')}\n} </dev/null 2>&1; printf '\\0%s\\n' "$?"\n`);
    for (;;) {
      const match = /^([^\0]*)\0(\d+)\n$/.exec(this.#answers);
      if (match !== null) {
        if (match[2] === '0') return;
        throw new SandboxError('SANDBOX011', `The sandbox's mounts could not be made: ${(match[1] ?? '').trim()}`);
      }
      if (this.#ended) throw new SandboxError('SANDBOX011', "The process that holds the sandbox's mounts ended.");
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Ends it at once, with whatever command it was running. */
  async stop(): Promise<void> {
    if (!this.#ended) killIfPresent(-this.pid, 'SIGKILL');
    await this.#exited;
  }
}
