import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { SandboxError, type TtySize } from '@ergon/sandbox-core';
import { SYSTEM_PATH } from '../../posix/command.js';
import { readEnd, requireStarted, writeEnd } from '../../posix/streams.js';

/** Tools of the host, without which there are no terminals. */
export const TERMINAL_TOOLS = ['perl', 'cat', 'setsid'] as const;

/** Descriptors of the relay, besides 0 (sizes), 1 (answers) and 2 (messages). */
const RELAY = { terminal: 3, input: 4, output: 5 } as const;

/**
 * Opens the server's end of a new terminal in the sandbox's own /dev/pts, and stands between it and the program's pipes: one process for
 * each direction, so that neither waits for the other. All of them are outside of the sandbox, where no program reaches them.
 */
const RELAY_SCRIPT = [
  `exec ${RELAY.terminal}<>"$1" || exit 1`,
  `cat <&${RELAY.terminal} >&${RELAY.output} 2>/dev/null ${RELAY.input}<&- ${RELAY.output}>&- &`,
  `cat <&${RELAY.input} >&${RELAY.terminal} 2>/dev/null ${RELAY.input}<&- ${RELAY.output}>&- &`,
  `exec perl -e "$2" "$0" "$!" ${RELAY.input}<&- ${RELAY.output}>&-`,
].join('\n');

/**
 * What neither Node nor a shell can do: ioctl_tty(2), by the numbers of x86-64 and arm64. Unlocks the terminal and asks for its number,
 * then sets each size that it reads, rows and columns at once. At the end of the sizes no program is left: what still writes to it is
 * ended, and it is opened and closed once, in case that nothing ever did, so that its reader comes to an end after the last byte.
 */
const CONTROL = [
  '$| = 1; $SIG{PIPE} = "IGNORE"; $n = pack("i", 0); $fails = "The terminal could not be";',
  `open(T, "+<&=${RELAY.terminal}") or die "$fails used: $!\\n";`,
  'ioctl(T, 0x40045431, $n) or die "$fails unlocked: $!\\n";', // TIOCSPTLCK
  'ioctl(T, 0x80045430, $n) or die "$fails named: $!\\n";', // TIOCGPTN
  'while (<STDIN>) { $size = pack("S4", split, 0, 0); ioctl(T, 0x5414, $size); print unpack("i", $n), "\\n" }', // TIOCSWINSZ
  'kill "KILL", $ARGV[1];',
  '$end = ioctl(T, 0x5441, 0402); open(E, "+<&=$end") && close(E) if $end;', // TIOCGPTPEER, O_RDWR | O_NOCTTY
  '1 while wait() > 0;',
].join('\n');

export interface TerminalPlan {
  readonly size: TtySize;
  /** The sandbox's init on the host. */
  readonly initPid: number;
  /** Host user of the sandbox, who is to own its terminal; null: the server's own. */
  readonly uid: number | null;
  /** Names sandbox and server, as on the sandbox's other processes. */
  readonly marker: string;
  /** Ends of the pipes between server and program, which it closes: here typed keys are read, and what is shown is written. */
  readonly pipes: { readonly input: number; readonly output: number };
}

/** The server's end of a program's terminal, held by processes outside of the sandbox. */
export class Terminal {
  /** They have ended, and all that the program wrote is in the pipe. */
  readonly ended: Promise<void>;
  readonly #relay: ChildProcess;
  readonly #waiting: ((answer: string) => void)[] = [];
  #over = false;
  #messages = '';

  private constructor(relay: ChildProcess) {
    this.#relay = relay;
    this.ended = once(relay, 'close').then(() => {
      this.#over = true;
      for (const answer of this.#waiting.splice(0)) answer('');
    });
    readEnd(relay, 2)
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#messages += text));
    createInterface(readEnd(relay, 1)).on('line', (line) => this.#waiting.shift()?.(line));
    writeEnd(relay, 0).on('error', () => undefined); // it has ended
  }

  /** Makes one of that size, and its path in the sandbox. @throws SandboxError SANDBOX004 */
  static async open({
    size,
    initPid,
    uid,
    marker,
    pipes,
  }: TerminalPlan): Promise<{ terminal: Terminal; path: string }> {
    let relay: ChildProcess;
    try {
      const master = `/proc/${initPid}/root/dev/pts/ptmx`;
      relay = spawn('/bin/sh', ['-c', RELAY_SCRIPT, marker, master, CONTROL], {
        stdio: ['pipe', 'pipe', 'pipe', 'ignore', pipes.input, pipes.output],
        env: { PATH: SYSTEM_PATH, SANDBOX: marker },
        cwd: '/',
        detached: true,
        ...(uid !== null && { uid, gid: uid }),
      });
      await requireStarted(relay);
    } finally {
      closeSync(pipes.input);
      closeSync(pipes.output);
    }
    const terminal = new Terminal(relay);
    const number = await terminal.#set(size);
    if (number === '') throw new SandboxError('SANDBOX004', whyNone(terminal.#messages));
    return { terminal, path: `/dev/pts/${number}` };
  }

  /** The program gets SIGWINCH. Harmless after the end. */
  async resize(size: TtySize): Promise<void> {
    await this.#set(size);
  }

  #set({ rows, cols }: TtySize): Promise<string> {
    if (this.#over) return Promise.resolve('');
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      writeEnd(this.#relay, 0).write(`${rows} ${cols}\n`);
    });
  }

  /** To be called when no program can write to it any more. Resolves when all that was written is read. */
  async close(): Promise<void> {
    writeEnd(this.#relay, 0).end();
    await this.ended;
  }

  /** Ends it though somebody may still hold the program's end, or read what was written. */
  async kill(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#relay;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
    await this.ended;
  }
}

/** A sentence of the system's own word at the end of what the tools said: all before it names processes and paths of the host. */
function whyNone(messages: string): string {
  const said = messages.trim() || 'the tools that make it ended without a message';
  const word = said.split(': ').at(-1) ?? said;
  if (word === 'No space left on device') {
    return "A terminal could not be made: all of this machine's are in use. Try again later, or raise kernel.pty.max there.";
  }
  return `A terminal could not be made: ${word}.`;
}
