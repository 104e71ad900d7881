import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

export const repository = resolve(__dirname, '../../..');
/** The command as it is published. */
export const bin = join(repository, 'packages/sandbox-cli/bin/ergon-sandbox.mjs');
export const examples = join(repository, 'examples/solutions');
export const isRoot = process.getuid?.() === 0;

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program under test: what it has said so far, and its end. */
export class Running {
  stdout = '';
  stderr = '';
  readonly #ended: Promise<unknown>;

  constructor(readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#ended = once(child, 'close');
  }

  async end(): Promise<Said> {
    await this.#ended;
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Given to it whole. */
  readonly input?: string;
  /** Comes on its stdin later. Without this and `input` there is nothing to read. */
  readonly keepOpen?: boolean;
}

/** Starts a program with nothing of jest in its environment. */
export function start(
  command: string,
  args: readonly string[],
  { env, cwd, input, keepOpen }: Surroundings = {},
): Running {
  const { PATH = '', HOME = '', TMPDIR = tmpdir() } = process.env;
  const child = spawn(command, args, {
    env: { PATH, HOME, TMPDIR, XDG_STATE_HOME: stateHome(), ...env },
    stdio: [input === undefined && keepOpen !== true ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  });
  if (input !== undefined) child.stdin?.end(input);
  return new Running(child);
}

export function startCli(args: readonly string[], surroundings?: Surroundings): Running {
  return start(process.execPath, [bin, ...args], surroundings);
}

export function cli(args: readonly string[], surroundings?: Surroundings): Promise<Said> {
  return startCli(args, surroundings).end();
}

const folders: string[] = [];
let state: string | null = null;

/** Where runs of this test file keep their state. */
export function stateHome(): string {
  return (state ??= folder());
}

/** A folder of these files, gone after the test file. */
export function folder(files: Readonly<Record<string, string | Buffer>> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'ergon-cli-'));
  folders.push(path);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return path;
}

afterAll(() => {
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});

/** Waits for a condition. @throws Error with what was there when it did not come true in 30 s */
export async function until(condition: () => boolean, told: () => string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`It did not come about in time; there is: ${told()}`);
    await new Promise((again) => setTimeout(again, 20));
  }
}

/** A text that holds another, or matches an expression, in what is expected. */
export const containing = (text: string): unknown => expect.stringContaining(text);
export const matching = (expression: RegExp): unknown => expect.stringMatching(expression);
