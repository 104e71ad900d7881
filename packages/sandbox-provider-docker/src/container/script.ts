import { commandLine, quote } from './shell.js';

export interface ProgramCommand {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** False: stdin is /dev/null. */
  readonly stdin: boolean;
  /** Begins the markers that tell the end. */
  readonly nonce: string;
}

/**
 * What a program may send to its group or to all of its processes, the shells above it included, or a terminal to its group: every signal
 * that ends or stops and can be caught, by its number, since not every shell has a name for each. 32 and 33 the C libraries keep.
 */
const SIGNALS = [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 20, 21, 22, 24, 25, 26, 27, 29, 30, 31],
  ...Array.from({ length: 31 }, (_, index) => 34 + index),
].join(' ');

/** Lets bash report the deaths of its children, as the other shells do. */
const REPORT_DEATHS = 'if [ -n "${BASH_VERSION-}" ]; then set +o posix; fi';

/** Holds the program's stdout and stderr at 3 and 4. */
const BEGIN = [REPORT_DEATHS, `trap '' ${SIGNALS}`, 'exec 3>&1 4>&2'];

/** What a shell that waits for its program says, with its process id. */
export const READY = /ready (\d+)\r?\n/;

/** The command of a shell that says READY and then waits for the line that makes it a program; half a line runs nothing. */
export const parkedShell: readonly string[] = [
  '/bin/sh',
  '-c',
  [...BEGIN, 'echo "ready $$"', 'IFS= read -r script || exit 137', 'eval "$script"'].join('\n'),
  'sh',
  '\n',
];

/** Makes a parked shell say `held` and stop: it reads nothing more from its stdin. */
export const holdLine = 'echo held; kill -s STOP $$\n';
export const HELD = /held\n/;

/**
 * The same for a terminal, beside a parked shell that holds: it takes that one's place, and its line from that one's stdin. On a terminal
 * the line would be echoed and cut, and in a command line everyone on the machine could read the program's variables. What it takes the
 * place of is gone, and counts no more, before the program starts.
 */
export function terminalShell(heldPid: number): readonly string[] {
  const script = [
    ...BEGIN,
    `exec 5</proc/${heldPid}/fd/0 || exit 137`,
    'echo "ready $$"',
    'IFS= read -r script <&5 || exit 137',
    'exec 5<&-',
    `kill -s KILL ${heldPid}`,
    `while kill -s 0 ${heldPid}; do :; done 2>/dev/null`,
    'eval "$script"',
  ];
  return ['/bin/sh', '-c', script.join('\n'), 'sh', '\n'];
}

/**
 * Variables that shells keep for themselves or can't name, so that setting them there fails or does not last, and those that change what a
 * shell does or says (bash: TMOUT ends its reads, EXECIGNORE hides programs, a locale that is not there is complained of). env(1) sets them.
 */
const NOT_SHELLS =
  /^(_|OPTIND|LINENO|PPID|UID|EUID|GROUPS|RANDOM|SRANDOM|SECONDS|EPOCH.*|FUNCNAME|DIRSTACK|SHELLOPTS|POSIXLY_CORRECT|BASH.*|TMOUT|EXECIGNORE|GLOBIGNORE|LC_.*|[0-9].*|.*\W.*)$/s;

/** A program's failed start for want of env(1). */
export const NO_ENV = 125;

/**
 * The line by which a parked shell becomes the parent of the program. When the program has ended, it writes the marker
 * `NONCE E CODE LINES` behind the last byte of both outputs: the exit code, 128 + n for signal n, and how many lines the shell had to say
 * with it. A shell reports deaths by signals but for SIGINT and SIGPIPE: two lines or more are such a death. `NONCE F CODE` stands before
 * it if the program could not be executed. Then it exits with the code, which the engine tells where a marker gets lost. Markers have no
 * small letters, for a terminal can be told to make them large.
 *
 * What reads the reports ignores signals from the start; what starts the program only catches them, so that the program has them as ever.
 */
export function programLine({ command, environment, stdin, nonce }: ProgramCommand): string {
  const variables = Object.entries(environment).filter(([name]) => !NOT_SHELLS.test(name));
  const odd = Object.entries(environment).filter(([name]) => NOT_SHELLS.test(name));
  const exports = variables.map(([name, value]) => `export ${name}=${quote(value)}; `).join('');
  // $2 is env(1), looked for before PATH is the program's.
  const findEnv = odd.length === 0 ? '' : 'set -- "$1" "$(command -v env)"; ';
  const withEnv = `[ -n "$2" ] || exit ${NO_ENV}; exec "$2" ${commandLine(odd.map(([name, value]) => `${name}=${value}`))}`;
  const execute = `${odd.length === 0 ? 'exec' : withEnv} ${commandLine(command)}`;
  // dash undoes the redirections before it runs the trap, the others do not.
  const failed = `c=$?; { echo "${nonce} F $c" >&4; } 2>/dev/null || echo "${nonce} F $c" >&2`;
  const program =
    `( trap ${quote(failed)} EXIT; { ${lookUp(command[0] ?? '')}; ${execute}; }` +
    `${stdin ? '' : ' </dev/null'} >&3 2>&4 3>&- 4>&- )`;
  const reader =
    `{ n=0; c=; while IFS= read -r l; do n=$((n+1)); c=$l; done; m="${nonce} E $c $n"; ` +
    `${tell(3)}; ${tell(4)}; exit "\${c:-137}"; } 2>/dev/null`;
  return `${findEnv}${exports}{ trap : ${SIGNALS}; ${program}; echo "$?"; } 2>&1 | ${reader}\n`;
}

/** Opened anew, an output waits until it is read, though the program has left it non-blocking and full. */
function tell(output: number): string {
  return `{ echo "$m" >>/proc/self/fd/${output}; } || echo "$m" >&${output}`;
}

/** Spares the program's stderr a message of the shell, where it is known before that the program can't be executed. */
function lookUp(program: string): string {
  const word = quote(program);
  return program.includes('/')
    ? `[ -e ${word} ] || exit 127; [ -f ${word} ] && [ -x ${word} ] || exit 126`
    : `command -v -- ${word} >/dev/null 2>&1 || exit 127`;
}
