import { GUEST } from '../posix/guest.js';
import { commandLine } from '../posix/shell.js';
import type { Profile } from './profile.js';
import type { MacTools } from './tools.js';

/** Limits that the kernel keeps for each process, and its children inherit. */
export interface StartLimits {
  /** RLIMIT_FSIZE, in bytes; kept to the kibibyte. */
  readonly fileBytes: number;
  /** RLIMIT_CPU of each process, in seconds. */
  readonly cpuSeconds: number;
  /** RLIMIT_NPROC: it counts all processes of the user, so those that were there are in it. */
  readonly userProcesses: number;
}

/** sandbox-exec(1) with a profile and its parameters, in front of a command. */
export function confinedCommand({ sandboxExec }: MacTools, profile: Profile, command: readonly string[]): string[] {
  const parameters = [...profile.parameters].flatMap(([key, value]) => ['-D', `${key}=${value}`]);
  return [sandboxExec, '-p', profile.text, ...parameters, ...command];
}

/**
 * The words of the command that becomes the program. First it is sandbox-exec, with no variable of the solution's: what is in its
 * environment (`DYLD_…`, `MallocLogFile`) takes effect outside of the sandbox. Then a shell, inside, which sets the limits, says `ready`,
 * and reads the script that ends as the program.
 */
export function startCommand(tools: MacTools, profile: Profile, limits: StartLimits): string[] {
  const { shell } = tools;
  return confinedCommand(tools, profile, [...shellWords(shell), '-c', limitsScript(limits, shell)]);
}

/** A shell that runs no file at its start: not one that a variable names, nor that of a user, which it would if its stdin is a socket. */
export function shellWords(shell: string): string[] {
  return [shell, '--norc', '--noprofile', '-p'];
}

function limitsScript({ fileBytes, cpuSeconds, userProcesses }: StartLimits, shell: string): string {
  const lowered = (option: string, value: number): string =>
    `[ "$(ulimit -H ${option})" != unlimited ] && [ "$(ulimit -H ${option})" -le ${value} ] || ulimit ${option} ${value} || exit 125`;
  return [
    // What a child gets is what was asked for (libuv has the rest closed); this is for servers that start otherwise.
    'for ((fd = 10; fd < 256; fd++)); do eval "exec $fd>&-"; done',
    'ulimit -c 0 || exit 125',
    lowered('-f', Math.max(1, Math.floor(fileBytes / 1024))),
    lowered('-u', userProcesses),
    `ulimit -S -t ${cpuSeconds} || exit 125`, // the signal comes at the soft limit, the end at the hard one
    `ulimit -H -t ${cpuSeconds + 1} || exit 125`,
    `echo ready >&${GUEST.status}`,
    `exec ${commandLine(shellWords(shell))} -s`,
  ].join('\n');
}

/** Put before the script: these are the shell's own, and no variables of a program. */
export const FORGET_SHELL = 'export -n SHLVL PWD OLDPWD\n';
