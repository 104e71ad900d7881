import { basename, dirname } from 'node:path';
import type { Unusable } from '../posix/unusable.js';
import { quote } from '../posix/shell.js';

/** What is there on the machine for a self-test to reach for. */
export interface SelfTestTargets {
  /** A file outside of the sandbox that its user may read and write. */
  readonly file: string;
  /** A process outside, of the same user. */
  readonly pid: number;
  /** A port of the loopback on which somebody listens. */
  readonly port: number;
}

const POSSIBLE = { 'run a program': true, 'write its workspace': true, 'read its workspace': true } as const;
const IMPOSSIBLE = {
  'read a file outside': false,
  'write a file outside': false,
  'list a folder outside': false,
  'signal a process outside': false,
  'connect to a port of the host': false,
} as const;
const EXPECTED: Readonly<Record<string, boolean>> = { ...POSSIBLE, ...IMPOSSIBLE };

/** What a language has to be able to do at least. */
const LANGUAGES = [
  ['python', 'python3', "-c 'import os, socket'"],
  ['node', 'node', '-e \'require("os").cpus()\''],
] as const;

/**
 * Tries one thing after the other, in the sandbox, and says of each whether it could be done. It gets the workspace as `$1`.
 * @param commands where those of languages are
 */
export function selfTestScript(
  { file, pid, port }: SelfTestTargets,
  commands: Readonly<Record<string, string>>,
): string {
  const attempts: Record<keyof typeof POSSIBLE | keyof typeof IMPOSSIBLE, string> = {
    'run a program': '/usr/bin/true',
    'write its workspace': 'echo word >"$1/file"',
    'read its workspace': '[ "$(cat "$1/file")" = word ]',
    'read a file outside': `cat ${quote(file)}`,
    'write a file outside': `echo word >>${quote(file)}`,
    'list a folder outside': `ls ${quote(dirname(file))} | grep -qx ${quote(basename(file))}`,
    'signal a process outside': `kill -0 ${pid}`,
    'connect to a port of the host': `exec 3<>/dev/tcp/127.0.0.1/${port}`,
  };
  const languages = LANGUAGES.map(([name, command, words]) => [
    `start ${name}`,
    `${quote(commands[command] ?? '')} ${words}`,
  ]);
  return [...Object.entries(attempts), ...languages]
    .map(([what, attempt]) => `if (${attempt}) >/dev/null 2>&1; then echo "yes ${what}"; else echo "no ${what}"; fi`)
    .join('\n');
}

/** Languages whose runtime works in the sandbox. */
export function startedLanguages(output: string): string[] {
  return LANGUAGES.map(([name]) => name).filter((name) => output.includes(`yes start ${name}\n`));
}

/** Null: all is as it has to be. */
export function judgeSelfTest(output: string, log: string): Unusable | null {
  const answers = new Map(output.split('\n').map((line) => [line.replace(/^\S+ /, ''), line.startsWith('yes ')]));
  const fix = 'Use the docker provider; and report this with the output of "sw_vers", please.';
  const open = Object.keys(IMPOSSIBLE).filter((what) => answers.get(what) === true);
  if (open.length > 0) {
    return { reason: `sandbox-exec does not isolate here: a program can ${open.join(', and ')}.`, fix };
  }
  const wrong = Object.entries(EXPECTED).filter(([what, expected]) => answers.get(what) !== expected);
  if (wrong.length === 0) return null;
  const said = log.trim();
  return {
    reason: `The sandbox's profile does not work on this version of macOS: a program can't ${wrong
      .map(([what]) => what)
      .join(', nor ')}.${said === '' ? '' : ` It said: ${said.slice(0, 500)}`}`,
    fix,
  };
}
