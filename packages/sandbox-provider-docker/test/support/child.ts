import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Said {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** A process of its own that runs a source of this folder, and the JSON lines that it says. */
export class ChildServer {
  readonly said: Said[] = [];
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;
  stderr = '';
  #wake: () => void = () => undefined;

  constructor(
    source: string,
    args: readonly string[],
    { before = [], ...options }: SpawnOptions & { before?: readonly string[] } = {},
  ) {
    const [file = '', ...words] = [
      ...before,
      process.execPath,
      join(__dirname, '../../../sandbox-provider-exec/test/support/run-ts.cjs'),
      join(__dirname, source),
      ...args,
    ];
    this.child = spawn(file, words, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    this.exited = once(this.child, 'close').finally(() => this.#wake());
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    if (this.child.stdout === null) throw new Error('Its stdout has to be a pipe.');
    createInterface(this.child.stdout).on('line', (line) => {
      this.said.push(JSON.parse(line) as Said);
      this.#wake();
    });
  }

  /** Waits for a word of that type. */
  async hears(type: string): Promise<Said> {
    for (;;) {
      const found = this.said.find((each) => each.type === type);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`It ended before "${type}": ${this.stderr}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
