import { Command, InvalidArgumentError, Option } from 'commander';
import { helpOf } from './help.js';
import type { LimitOptions } from './limits.js';
import { paintFor } from './output/words.js';
import { version } from './version.js';

type Json = 'result' | 'events';
interface ServerOptions {
  readonly url: string;
}

/**
 * The commands and their options. What a command needs is loaded when it runs, so that help comes at once.
 * @param end takes the exit code
 */
export function createProgram(end: (exitCode: number) => void): Command {
  const program = new Command('ergon-sandbox')
    .description('Runs programs that nobody trusts in sandboxes: a folder of this machine, or a solution of a server.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: false })
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        const [sentence = '', ...hint] = text.trimEnd().split('\n');
        const said = paintFor(process.stderr)('red', `ergon-sandbox: ${sentence.replace(/^error: /, '')}`);
        write([said, ...hint.map((line) => `  ${line}`)].join('\n') + '\n');
      },
    })
    .addHelpText('after', helpOf('program'));

  const command = (usage: string, description: string): Command => {
    const made = program.command(usage).description(description).helpOption('-h, --help', 'print this help');
    return made.exitOverride().addHelpText('after', helpOf(made.name()));
  };

  limits(command('run', 'run the program of a folder (or one file) in a sandbox of this machine; no server is needed'))
    .argument('<dir>', 'the folder with the program, or one file')
    .argument('[command...]', 'what to run instead of its own command; put "--" before it')
    .option('--tests', "run the solution's test command")
    .option('-i, --interactive', 'pass stdin to the program')
    .option('-t, --tty', 'give the program this terminal (with -i in it)')
    .addOption(keepOutput())
    .addOption(json('print one JSON result at the end; with "=events" each event as a line of JSON'))
    .action(async (dir: string, words: string[], options: LimitOptions & { json?: Json }) => {
      end(await (await import('./commands/run.js')).run(dir, words, options));
    });

  server(limits(command('test', 'run a solution of a server there, and print what it prints')))
    .argument('<solution-id>', 'as "ergon-sandbox solutions" lists them')
    .argument('[command...]', 'what to run instead of its own command; put "--" before it')
    .option('--tests', "run the solution's test command")
    .option('--keep', 'leave the sandbox on the server, and print its id')
    .addOption(keepOutput())
    .addOption(json('print the JSON result at the end, and nothing before', false))
    .action(async (id: string, words: string[], options: ServerOptions & LimitOptions) => {
      end(await (await import('./commands/test.js')).test(id, words, options));
    });

  server(limits(command('add', 'run a folder here, and put it on a server as a solution if it exits with 0')))
    .argument('<dir>', 'the folder with the program')
    .option('--tests', "run the solution's test command, not its own")
    .option('--no-run', 'do not run it before')
    .option('--id <id>', 'store it under this id, in place of what is there')
    .addOption(json("print the server's answer as JSON", false))
    .action(async (dir: string, options: ServerOptions & LimitOptions & { run: boolean }) => {
      end(await (await import('./commands/add.js')).add(dir, options));
    });

  server(command('solutions', 'list the solutions of a server'))
    .option('-n, --limit <count>', 'at most so many', count, 100)
    .option('--name <part>', 'only those with this in their names')
    .addOption(json('print JSON', false))
    .action(async (options: ServerOptions & { limit: number }) => {
      end(await (await import('./commands/lists.js')).solutions(options));
    });

  server(command('history', 'list the executions of a server, the newest first'))
    .option('-n, --limit <count>', 'at most so many', count, 20)
    .option('--solution <id>', 'only those of this solution')
    .addOption(json('print JSON', false))
    .action(async (options: ServerOptions & { limit: number }) => {
      end(await (await import('./commands/lists.js')).history(options));
    });

  server(command('logs', 'print what an execution on a server wrote'))
    .argument('<execution-id>', 'as "ergon-sandbox history" lists them')
    .option('-f, --follow', 'go on until it has ended')
    .addOption(json('print each event as a line of JSON', false))
    .action(async (id: string, options: ServerOptions & { follow?: boolean }) => {
      end(await (await import('./commands/logs.js')).logs(id, options));
    });

  server(command('providers', "list a server's providers, and why one is not available"))
    .addOption(json('print JSON', false))
    .action(async (options: ServerOptions) => {
      end(await (await import('./commands/lists.js')).providers(options));
    });

  command('doctor', 'say what works on this machine, what does not, and how to fix it')
    .addOption(new Option('--url <url>', 'look at this server, too').env('ERGON_SANDBOX_URL'))
    .addOption(json('print JSON', false))
    .action(async (options: { url?: string; json?: Json }) => {
      end(await (await import('./commands/doctor.js')).doctor(options));
    });

  command('completion', 'print a script that completes commands and options in a shell')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => {
      const { completionScript } = await import('./completion.js');
      process.stdout.write(completionScript(program, shell));
    });

  return program;
}

function limits(command: Command): Command {
  return command
    .optionsGroup('Sandbox:')
    .option('--provider <name>', 'sandbox-exec or docker; without it the best that works')
    .option('--timeout <seconds>', 'end it after so long (300)', number)
    .option('--memory <size>', 'e.g. 512m (4g)')
    .option('--cpu <count>', 'CPUs, e.g. 0.5 (4)', number)
    .option('--disk <size>', 'of /workspace and /output together (1g)')
    .option('--pids <count>', 'processes and threads (256)', count)
    .option('--network <mode>', 'none or full (none)')
    .option('--image <name>', 'image of a container, for docker')
    .option('-e, --env <NAME[=value]>', 'set a variable, or pass on the one of here; may be repeated', collect)
    .option('--strict', 'refuse limits that are best effort, and another provider than the named one')
    .optionsGroup('Options:');
}

function server(command: Command): Command {
  const url = new Option('--url <url>', 'where the server is')
    .env('ERGON_SANDBOX_URL')
    .default('http://127.0.0.1:8102');
  return command.addOption(url);
}

function keepOutput(): Option {
  const description = 'write the files that the program left in /output to this folder';
  return new Option('-o, --keep-output <folder>', description);
}

/** `--json`, and where there are events `--json=events`. */
function json(description: string, hasEvents = true): Option {
  const option = new Option(hasEvents ? '--json [form]' : '--json', description);
  return hasEvents ? option.choices(['result', 'events']) : option;
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number.');
}

function count(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1.');
}
