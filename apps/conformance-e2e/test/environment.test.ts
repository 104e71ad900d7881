import { SandboxError } from '@ergon/sandbox-core';
import type { CommandSpec, ExecuteOptions, OutputChunk, SandboxProcess } from '@ergon/sandbox-core';
import { SandboxExecProvider } from '@ergon/sandbox-provider-exec';
import { executes, spawns, wraps, type Box } from './support/broken.js';
import { provesThatTheSuiteCatches } from './support/caught.js';

/** It gives the program other variables. */
function variables(
  alter: (environment: CommandSpec['environment']) => CommandSpec['environment'],
): ReturnType<typeof spawns> {
  return spawns((run) => ({ ...run, environment: alter(run.environment) }));
}

const inAShell = (line: string): readonly string[] => ['/bin/sh', '-c', line];

class RefusesLongCommands extends SandboxExecProvider {
  protected override spawn(box: Box, run: CommandSpec): Promise<SandboxProcess> {
    if (run.command.join(' ').length > 65_536) throw new SandboxError('SANDBOX008', 'The command is too long.');
    return super.spawn(box, run);
  }
}

/** Adds the variables of an execution to those of the sandbox. */
class KeepsVariables extends SandboxExecProvider {
  #kept: Readonly<Record<string, string>> = {};

  override execute(
    sandboxId: string,
    command: readonly string[],
    options: ExecuteOptions,
  ): AsyncGenerator<OutputChunk, void, undefined> {
    this.#kept = { ...this.#kept, ...options.environment };
    return super.execute(sandboxId, command, { ...options, environment: this.#kept });
  }
}

const exact = /arguments arrive exactly/;
const arrive = /variables of the solution arrive exactly/;

provesThatTheSuiteCatches([
  {
    that: 'joins the words of a command by spaces',
    create: spawns((run) => ({ ...run, command: inAShell(run.command.join(' ')) })),
    caughtBy: exact,
    message: /argv reaches the program word for word/,
  },
  {
    that: 'quotes for a shell by JSON.stringify',
    create: spawns((run) => ({ ...run, command: inAShell(run.command.map((word) => JSON.stringify(word)).join(' ')) })),
    caughtBy: exact,
    message: /quote with single quotes, not with JSON/,
  },
  {
    that: 'drops empty words of a command',
    create: spawns((run) => ({ ...run, command: run.command.filter((word) => word !== '') })),
    caughtBy: exact,
    message: /argv reaches the program word for word/,
  },
  {
    that: 'has a lower bound for the length of a command',
    create: (ports) => new RefusesLongCommands(ports),
    caughtBy: /an argument of 100 KB and a thousand arguments/,
    message: /A command may have 1,024 words/,
  },
  {
    that: "shows the program the server's environment",
    create: variables((environment) => ({ ...(process.env as Record<string, string>), ...environment })),
    caughtBy: /nothing of the host's environment is inside/,
    message: /No variable of the server's is seen by a program/,
  },
  {
    that: "does not pass on an execution's variables",
    create: executes(({ environment: _, ...options }) => options),
    caughtBy: arrive,
    message: /an execution's go before the sandbox's/,
  },
  {
    that: 'keeps the variables of an execution for the next',
    create: (ports) => new KeepsVariables(ports),
    caughtBy: arrive,
    message: /An execution's variables are gone in the next one/,
  },
  {
    that: 'makes one line of a value of two',
    create: variables((environment) =>
      Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, value.replaceAll('\n', ' ')])),
    ),
    caughtBy: arrive,
    message: /Values arrive as they are/,
  },
  {
    that: 'lets SANDBOX_ID be forged',
    create: spawns((run) => ({
      ...run,
      command: ['env', ...Object.entries(run.environment).map((entry) => entry.join('=')), ...run.command],
    })),
    caughtBy: /SANDBOX_ID, SOLUTION_DIR, WORKSPACE_DIR, OUTPUT_DIR are set/,
    message: /are always set, and are not to be forged/,
  },
  {
    that: 'loses variables that a shell has for itself',
    create: wraps('unset OPTIND; exec "$@"'),
    caughtBy: /names that shells keep for themselves/,
    message: /Set them by execve or env\(1\)/,
  },
  {
    that: 'has no home folder',
    create: variables((environment) => ({ ...environment, HOME: '/home/nobody' })),
    caughtBy: /PATH and HOME are set/,
    message: /PATH and HOME are set/,
  },
  {
    that: 'leaves a descriptor open for the program',
    create: wraps('exec "$@" 7</etc/passwd'),
    caughtBy: /a program inherits no descriptor/,
    message: /A program has the descriptors 0, 1, 2 and no other/,
  },
  {
    that: 'starts programs that ignore SIGPIPE',
    create: wraps('trap "" PIPE; exec "$@"'),
    caughtBy: /a program inherits no descriptor/,
    message: /A program begins with the default for every signal/,
  },
  {
    that: 'starts programs elsewhere than in /workspace',
    create: wraps('cd /tmp; exec "$@"'),
    caughtBy: /\/workspace is the working folder/,
    message: /\/workspace is the working folder and writable as a whole/,
  },
]);
