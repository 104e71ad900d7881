import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A port of the loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A program of the test's own that serves something; ended by its pid. */
export class Service implements AsyncDisposable {
  readonly #child: ChildProcess;
  #said = '';

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (this.#said = (this.#said + chunk.toString()).slice(-4000)));
    }
  }

  /** Until the condition holds; fails when the program ends before, or after half a minute. */
  async until(condition: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 30_000;
    while (!(await condition())) {
      if (this.#child.exitCode !== null || performance.now() > deadline)
        throw new Error(`It does not serve: ${this.#said}`);
      await delay(50);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await gone;
  }
}
