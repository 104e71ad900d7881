import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { hasErrorCode, SandboxError } from '@ergon/sandbox-core';
import { z } from 'zod';
import { bounded } from '../engine/bounded.js';

/** A helper that asks a person, or hangs, is not waited for longer. */
const HELPER_MS = 30_000;
const MAX_BYTES = 1 << 20;

// docker/docker-credential-helpers: `get` reads a server from stdin, and answers with one JSON object, or a sentence and exit code 1.
const answerSchema = z.looseObject({ Username: z.string(), Secret: z.string() });
const NOT_THERE = 'credentials not found in native keychain';
/** Instead of a user's name: the secret is an identity token. */
const TOKEN = '<token>';

/**
 * Asks a credential helper. What it says is told to nobody: it may hold secrets, even when it fails.
 *
 * @param server as Docker's command line asks for it
 * @param environment in which it is looked for, and runs
 * @param ms for its answer
 * @returns null: it has none
 * @throws SandboxError SANDBOX001
 */
export async function askHelper(
  helper: string,
  server: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  ms = HELPER_MS,
): Promise<{ username: string; password: string } | { identitytoken: string } | null> {
  const program = `docker-credential-${helper}`;
  const failed = (what: string, fix: string): SandboxError =>
    new SandboxError(
      'SANDBOX001',
      `The credential helper "${program}", which Docker's configuration names, ${what}. ${fix}`,
    );
  const lookInto = `"echo ${server} | ${program} get", as the user of the server, says why.`;
  if (!/^[\w.-]+$/.test(helper)) throw failed('has no such name', 'Correct its name.');
  let said: Buffer;
  let code: number | null;
  try {
    ({ said, code } = await bounded(ms, signal, (over) => run(program, server, environment, over)));
  } catch (error) {
    signal.throwIfAborted();
    if (hasErrorCode(error, 'ENOENT')) throw failed('is not installed', 'Install it on the machine of the server.');
    if (hasErrorCode(error, 'EACCES')) throw failed('may not be run', 'Make it a program for the user of the server.');
    throw failed(`gave no answer within ${ms / 1000} s`, lookInto);
  }
  if (code !== 0) {
    if (said.toString().trim() === NOT_THERE) return null;
    throw failed(code === null ? 'failed, or wrote without end' : `failed with exit code ${code}`, lookInto);
  }
  const answer = answerSchema.safeParse(parseJson(said.toString()));
  if (!answer.success) throw failed('gave no answer that Docker would understand', lookInto);
  const { Username, Secret } = answer.data;
  if (Secret === '') return null;
  return Username === TOKEN ? { identitytoken: Secret } : { username: Username, password: Secret };
}

async function run(
  program: string,
  server: string,
  env: Readonly<Record<string, string | undefined>>,
  over: AbortSignal,
): Promise<{ said: Buffer; code: number | null }> {
  // A group of its own, so that what it starts ends with it.
  const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], detached: true, env });
  const end = (): void => endGroup(child);
  over.addEventListener('abort', end, { once: true });
  try {
    const closed = once(child, 'close') as Promise<[number | null]>; // rejects when it cannot be started
    child.stdin.on('error', () => undefined); // it need not read
    child.stdin.end(server);
    const parts: Buffer[] = [];
    let bytes = 0;
    child.stdout.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes > MAX_BYTES) end();
      else parts.push(part);
    });
    const [code] = await closed;
    return { said: Buffer.concat(parts), code: bytes > MAX_BYTES ? null : code };
  } finally {
    over.removeEventListener('abort', end);
  }
}

function endGroup(child: ChildProcess): void {
  child.stdout?.destroy();
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrorCode(error, 'ESRCH')) throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it, and what it was is nobody's business
  }
}
