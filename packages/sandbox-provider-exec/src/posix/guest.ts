import { commandLine, quote } from './shell.js';

/** The descriptors of the shell that becomes the program, besides its stdin, from which it reads its script. */
export const GUEST = { stdin: 6, stdout: 7, stderr: 8, status: 9 } as const;

/** What a parked sandbox needs to know to become the program. */
export interface GuestCommand {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly openFiles: number;
  /** False: stdin is /dev/null. */
  readonly stdin: boolean;
  /** Path of a terminal that is all three of its streams. Absent: they are pipes. */
  readonly terminal?: string | undefined;
  /** Written to the status descriptor when the command can't be executed. The program never gets to see it. */
  readonly nonce: string;
}

/** Variables that shells keep for themselves: setting them there fails or does not last, so env(1) does it. */
const SHELLS_OWN =
  /^(_|OPTIND|LINENO|PPID|UID|EUID|GROUPS|RANDOM|SRANDOM|SECONDS|EPOCH.*|FUNCNAME|DIRSTACK|SHELLOPTS|BASH.*)$/;

/**
 * The script by which a parked shell becomes the program. It is one compound command, so that a part of it runs nothing. The
 * redirections of the inner braces are undone after a failed exec (and closed by a successful one), so that the status descriptor
 * is there for the nonce and never for the program.
 */
export function guestScript({ command, environment, openFiles, stdin, terminal, nonce }: GuestCommand): string {
  const variables = Object.entries(environment).filter(([name]) => !SHELLS_OWN.test(name));
  const odd = Object.entries(environment).filter(([name]) => SHELLS_OWN.test(name));
  const words =
    odd.length === 0 ? command : ['/usr/bin/env', ...odd.map(([name, value]) => `${name}=${value}`), ...command];
  const missing = `{ echo ${quote(`${nonce} 127`)} >&${GUEST.status}; exit 127; }`;
  return [
    '{',
    ...(terminal === undefined
      ? []
      : [`exec ${GUEST.stdin}<>${terminal} ${GUEST.stdout}>&${GUEST.stdin} ${GUEST.stderr}>&${GUEST.stdin}`]),
    ...variables.map(([name, value]) => `export ${name}=${quote(value)}`),
    `command -v -- ${quote(command[0] ?? '')} >/dev/null 2>&1 || ${missing}`,
    'if [ -n "${BASH_VERSION-}" ]; then shopt -s execfail; fi',
    `trap 'echo ${nonce} "$?" >&${GUEST.status}' EXIT`,
    `ulimit -n ${openFiles} || exit 126`,
    `{ exec ${commandLine(words)}; } <${stdin || terminal !== undefined ? `&${GUEST.stdin}` : '/dev/null'} >&${GUEST.stdout} 2>&${GUEST.stderr}` +
      ` ${GUEST.stdin}<&- ${GUEST.stdout}>&- ${GUEST.stderr}>&- ${GUEST.status}>&-`,
    '}',
    '',
  ].join('\n');
}
