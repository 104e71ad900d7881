import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const repository = resolve(import.meta.dirname, '../..');

export interface Library {
  readonly name: string;
  readonly folder: string;
}

/** Every package that can be published, by its own package.json. */
export function publishableLibraries(): Library[] {
  const packages = join(repository, 'packages');
  return readdirSync(packages)
    .map((folder) => ({ folder, ...readPackage(join(packages, folder)) }))
    .filter((found) => found.private !== true)
    .map(({ name, folder }) => ({ name, folder: join(packages, folder) }));
}

function readPackage(folder: string): { name: string; private?: boolean } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name: string; private?: boolean };
}

export interface Ended {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  /** stdout and stderr as they came. */
  readonly output: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Variables besides PATH, HOME and TMPDIR: what jest and Nx set must not reach a program under test. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end, without stdin. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => ['PATH', 'HOME', 'TMPDIR'].includes(name)),
  );
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? repository,
      env: { ...env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.once('error', fail);
    child.once('close', (code) => {
      done({ code, stdout, output });
    });
  });
}

/** What a program that has to succeed says on stdout; if it fails, the error holds all that it said. */
export async function succeed(command: string, args: readonly string[], options?: RunOptions): Promise<string> {
  const { code, stdout, output } = await run(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code ?? 'a signal'}:\n${output}`);
  return stdout;
}

/** The path of a command that the workspace installed. */
export function bin(name: string): string {
  return join(repository, 'node_modules/.bin', name);
}
