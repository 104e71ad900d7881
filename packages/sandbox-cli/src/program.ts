import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { texts } from './help.js';
import type { LimitOptions } from './limits.js';
import { volumeActions } from './volume-actions.js';
import type { VolumeAction } from './volume-actions.js';
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
    .description(texts.program.description)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: false, subcommandTerm: (made) => made.name() })
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => {
        const [sentence = '', ...hint] = text.trimEnd().split('\n');
        const said = paintFor(process.stderr)('red', `ergon-sandbox: ${sentence.replace(/^error: /, '')}`);
        write([said, ...hint.map((line) => `  ${line}`)].join('\n') + '\n');
      },
    })
    .addHelpText('after', texts.program.more);

  const command = (name: Exclude<keyof typeof texts, 'program'>): Command => {
    const { summary, description, more } = texts[name];
    const made = program.command(name).summary(summary).description(description).addHelpText('after', more);
    return made.helpOption('-h, --help', 'print this help').exitOverride();
  };

  limits(
    running(command('run'), '<dir>', 'the folder with the program, or one file')
      .option('-i, --interactive', 'pass stdin to the program')
      .option('-t, --tty', 'give the program this terminal, with what is typed there')
      .addOption(json('print the result as JSON at the end, or with "=events" each event as a line of it, too')),
  ).action(async (dir: string, words: string[], options: LimitOptions & { json?: Json }) => {
    end(await (await import('./commands/run.js')).run(dir, words, options));
  });

  limits(
    server(running(command('test'), '<solution-id>', 'as "ergon-sandbox solutions" lists them'))
      .option('--keep', 'leave the sandbox on the server, and say its id')
      .option('--volume <name>', "have this volume of the solution's at /volumes/NAME; may be given again", collect)
      .addOption(json('print the result as JSON at the end, and nothing before', false)),
  ).action(async (id: string, words: string[], options: ServerOptions & LimitOptions) => {
    end(await (await import('./commands/test.js')).test(id, words, options));
  });

  limits(
    server(command('add'))
      .argument('<dir>', 'the folder with the program, or one file')
      .option('--tests', "run the solution's test command, not its own")
      .option('--no-run', 'do not run it before')
      .option('--id <id>', 'store it under this id, in place of what is there')
      .addOption(json("print the server's answer as JSON", false)),
  ).action(async (dir: string, options: ServerOptions & LimitOptions & { run: boolean }) => {
    end(await (await import('./commands/add.js')).add(dir, options));
  });

  server(command('solutions'))
    .option('-n, --limit <count>', 'at most so many', count, 100)
    .option('--name <part>', 'only those with this in their names')
    .addOption(json('print JSON', false))
    .action(async (options: ServerOptions & { limit: number }) => {
      end(await (await import('./commands/lists.js')).solutions(options));
    });

  server(command('history'))
    .option('-n, --limit <count>', 'at most so many', count, 20)
    .option('--solution <id>', 'only those of this solution')
    .addOption(json('print JSON', false))
    .action(async (options: ServerOptions & { limit: number }) => {
      end(await (await import('./commands/lists.js')).history(options));
    });

  server(command('logs'))
    .argument('<execution-id>', 'as "ergon-sandbox history" lists them')
    .option('-f, --follow', 'go on until it has ended')
    .addOption(json('print each event as a line of JSON', false))
    .action(async (id: string, options: ServerOptions & { follow?: boolean }) => {
      end(await (await import('./commands/logs.js')).logs(id, options));
    });

  server(command('volumes'))
    .usage('[options] [list] [solution-id]\n       ergon-sandbox volumes [options] remove <solution-id> <name...>')
    .addArgument(new Argument('[action]', 'what to do').choices(volumeActions).default('list'))
    .argument('[solution-id]', 'whose they are, also of one that is no longer stored')
    .argument('[names...]', 'of those to remove')
    .addOption(json('print JSON', false))
    .action(async (action: VolumeAction, id: string | undefined, names: string[], options: ServerOptions) => {
      end(await (await import('./commands/volumes.js')).volumes(action, id, names, options));
    });

  server(command('providers'))
    .addOption(json('print JSON', false))
    .action(async (options: ServerOptions) => {
      end(await (await import('./commands/lists.js')).providers(options));
    });

  command('doctor')
    .addOption(new Option('--url <url>', 'look at this server, too').env('ERGON_SANDBOX_URL'))
    .addOption(json('print JSON', false))
    .action(async (options: { url?: string; json?: Json }) => {
      end(await (await import('./commands/doctor.js')).doctor(options));
    });

  command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => {
      const { completionScript } = await import('./completion.js');
      process.stdout.write(completionScript(program, shell));
    });

  return program;
}

/** What `run` and `test` have in common. */
function running(command: Command, subject: string, description: string): Command {
  return command
    .usage(`[options] ${subject} [-- command...]`)
    .argument(subject, description)
    .argument('[command...]', 'what to run in place of its own command')
    .option('--tests', "run the solution's test command")
    .option('-o, --keep-output <folder>', 'write the files that the program leaves in /output to this folder')
    .hook('preAction', (made) => {
      if (made.args.length > 1 && made.opts<{ tests?: true }>().tests === true) {
        made.error('error: --tests: a command is given, too.\nLeave out one of the two.');
      }
    });
}

function limits(command: Command): Command {
  return command
    .optionsGroup('Sandbox:')
    .option('--provider <name>', 'sandbox-exec or docker (default: the best that works)')
    .option('--timeout <seconds>', 'after which it is ended (default: 300)', number)
    .option('--memory <size>', 'for example 512m (default: 4g)')
    .option('--cpu <count>', 'CPUs, for example 0.5 (default: 4)', number)
    .option('--disk <size>', 'of /workspace and /output together (default: 1g)')
    .option('--pids <count>', 'processes and threads (default: 256)', count)
    .addOption(new Option('--network <mode>', 'what it may reach (default: none)').choices(['none', 'full']))
    .option('--image <name>', 'image of the container, for docker')
    .option('-e, --env <name[=value]>', 'set a variable, or pass on that of here; may be given again', collect)
    .option('--strict', 'refuse limits that are best effort, and a stand-in for the named provider');
}

function server(command: Command): Command {
  const url = new Option('--url <url>', 'where the server is')
    .env('ERGON_SANDBOX_URL')
    .default('http://127.0.0.1:8102');
  return command.addOption(url);
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
