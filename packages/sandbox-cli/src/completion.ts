import type { Command } from 'commander';
import { Failure } from './failure.js';

interface Words {
  readonly name: string;
  readonly description: string;
  readonly options: readonly {
    readonly flags: readonly string[];
    readonly description: string;
    readonly takesValue: boolean;
  }[];
  /** Words that an argument may be; null: the names of files. */
  readonly values: readonly string[] | null;
}

const shells = ['bash', 'zsh', 'fish'] as const;

/** @throws Failure for a shell that is not known */
export function completionScript(program: Command, shell: string): string {
  const commands = program.commands.map(wordsOf);
  switch (shells.find((known) => known === shell)) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return `autoload -Uz bashcompinit && bashcompinit\n${bashScript(commands)}`;
    case 'fish':
      return fishScript(commands);
    default:
      throw new Failure(`There is no completion for "${shell}".`, `Give one of ${shells.join(', ')}.`, 2);
  }
}

function wordsOf(command: Command): Words {
  const help = { flags: ['-h', '--help'], description: 'print this help', takesValue: false };
  const options = command.options.map(({ short, long, description, required }) => ({
    flags: [short, long].filter((flag) => flag !== undefined && flag !== null),
    description,
    takesValue: required,
  }));
  const values = command.name() === 'completion' ? shells : ['run', 'add'].includes(command.name()) ? null : [];
  return { name: command.name(), description: command.summary(), options: [...options, help], values };
}

function bashScript(commands: readonly Words[]): string {
  const cases = commands.map(({ name, options, values }) => {
    const words = [...options.flatMap(({ flags }) => flags.filter((flag) => flag.startsWith('--'))), ...(values ?? [])];
    return `    ${name}) words="${words.join(' ')}" ${values === null ? 'files=1' : ''} ;;`;
  });
  const taking = [
    ...new Set(
      commands.flatMap(({ options }) => options.filter(({ takesValue }) => takesValue).flatMap(({ flags }) => flags)),
    ),
  ];
  return `_ergon_sandbox() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words="" files=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} help --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[COMP_CWORD - 1]}" in
    --provider) COMPREPLY=($(compgen -W "sandbox-exec docker" -- "$current")); return ;;
    --network) COMPREPLY=($(compgen -W "none full" -- "$current")); return ;;
    -o | --keep-output) COMPREPLY=($(compgen -d -- "$current")); return ;;
    ${taking.filter((flag) => !['--provider', '--network', '-o', '--keep-output'].includes(flag)).join(' | ')}) return ;;
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    help) words="${commands.map(({ name }) => name).join(' ')}" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ -n "$files" ] && [[ "$current" != -* ]]; then
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}
complete -o filenames -F _ergon_sandbox ergon-sandbox
`;
}

function fishScript(commands: readonly Words[]): string {
  const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
  const lines = commands.flatMap(({ name, description, options, values }) => {
    const here = `complete -c ergon-sandbox -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c ergon-sandbox -f -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
      ...options.map((option) => {
        const flags = option.flags.map((flag) =>
          flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
        );
        return `${here} ${flags.join(' ')} ${option.takesValue ? '-x ' : ''}-d ${quoted(option.description)}`;
      }),
      ...(values === null ? [`${here} -F`] : values.length > 0 ? [`${here} -f -a ${quoted(values.join(' '))}`] : []),
    ];
  });
  return `${lines.join('\n')}\n`;
}
