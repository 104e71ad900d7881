import type { Command } from 'commander';
import { Failure } from './failure.js';
import { volumeActions } from './volume-actions.js';

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
/** What options may have for a value, where that is one of few words. */
const optionValues: Readonly<Record<string, readonly string[]>> = {
  '--provider': ['sandbox-exec', 'docker'],
  '--network': ['none', 'full'],
};

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
  return {
    name: command.name(),
    description: command.summary(),
    options: [...options, help],
    values: valuesOf(command.name()),
  };
}

function valuesOf(command: string): Words['values'] {
  if (command === 'completion') return shells;
  if (command === 'volumes') return volumeActions;
  return ['run', 'add'].includes(command) ? null : [];
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
${Object.entries(optionValues)
  .map(([flag, words]) => `    ${flag}) COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$current")); return ;;`)
  .join('\n')}
    -o | --keep-output) COMPREPLY=($(compgen -d -- "$current")); return ;;
    ${taking.filter((flag) => ![...Object.keys(optionValues), '-o', '--keep-output'].includes(flag)).join(' | ')}) return ;;
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
  const first = 'complete -c ergon-sandbox -n __fish_use_subcommand';
  const values = (flags: readonly string[]): string => {
    if (flags.includes('--keep-output')) return `-x -a '(__fish_complete_directories)' `;
    const words = Object.entries(optionValues).find(([flag]) => flags.includes(flag))?.[1];
    return words === undefined ? '-x ' : `-x -a ${quoted(words.join(' '))} `;
  };
  const lines = commands.flatMap(({ name, description, options, values: words }) => {
    const here = `complete -c ergon-sandbox -n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `${first} -a ${name} -d ${quoted(description)}`,
      ...options.map((option) => {
        const flags = option.flags.map((flag) =>
          flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
        );
        const value = option.takesValue ? values(option.flags) : '';
        return `${here} ${flags.join(' ')} ${value}-d ${quoted(option.description)}`;
      }),
      ...(words === null ? [`${here} -F`] : words.length > 0 ? [`${here} -a ${quoted(words.join(' '))}`] : []),
    ];
  });
  const names = commands.map(({ name }) => name).join(' ');
  return [
    'complete -c ergon-sandbox -f', // no files, but where they are asked for
    ...lines,
    `${first} -a help -d 'print the help of a command'`,
    `complete -c ergon-sandbox -n '__fish_seen_subcommand_from help' -a ${quoted(names)}`,
    `${first} -s h -l help -d 'print this help'`,
    `${first} -s V -l version -d 'print the version'`,
    '',
  ].join('\n');
}
