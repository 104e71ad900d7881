import { argvOf } from './commands.js';
import type { Command } from './commands.js';
import { Execution } from './execution.js';
import type { Context, SignalOption } from './execution.js';
import { newExecutionId } from './ids.js';
import type { CommandResult } from './result.js';
import { Channel } from './socket/channel.js';

export interface PtySize {
  readonly cols: number;
  readonly rows: number;
}

export interface PtyOptions extends Partial<PtySize>, SignalOption {
  /** @default the sandbox's `sh` */
  readonly command?: Command;
  /** Called with what the program shows, as bytes for a terminal. */
  readonly onData: (bytes: Uint8Array) => void;
}

/** As the server has it. */
const mostCells = 10_000;

/** Terminals of one sandbox. */
export class Ptys {
  readonly #context: Context;
  readonly #sandboxId: string;

  /** @internal */
  constructor(context: Context, sandboxId: string) {
    this.#context = context;
    this.#sandboxId = sandboxId;
  }

  /** Runs a program in a terminal of 80 columns and 24 rows, or of the size that is given. @throws as `commands.run` does */
  async create({ cols = 80, rows = 24, command = ['sh'], onData, signal }: PtyOptions): Promise<Pty> {
    const executionId = newExecutionId();
    const channel = await Channel.open(this.#context, {
      sandboxId: this.#sandboxId,
      executionId,
      execute: { command: argvOf(command), tty: true, cols, rows },
      inputSurvivesBreaks: true,
      onEvent: (event) => {
        if (event.type === 'data') onData(bytesOf(event.data));
      },
      signal,
    });
    return new Pty(new Execution(this.#context, this.#sandboxId, executionId, channel), channel);
  }
}

/** A program in a terminal. When the connection breaks it goes on, and so does what it shows; keys typed in that moment may be lost. */
export class Pty {
  readonly executionId: string;
  readonly #execution: Execution;
  readonly #channel: Channel;

  /** @internal */
  constructor(execution: Execution, channel: Channel) {
    this.executionId = execution.executionId;
    this.#execution = execution;
    this.#channel = channel;
  }

  async write(data: string | Uint8Array): Promise<void> {
    await this.#channel.write(data);
  }

  /** @throws RangeError for what is no size, such as that of a terminal which is not shown */
  async resize({ cols, rows }: PtySize): Promise<void> {
    if (![cols, rows].every((cells) => Number.isInteger(cells) && cells >= 1 && cells <= mostCells)) {
      throw new RangeError(`A terminal has 1 to ${mostCells} columns and rows, not ${cols} and ${rows}.`);
    }
    await this.#channel.act({ action: 'resize', cols, rows });
  }

  /** Resolves when it has ended and all that it showed was given. */
  async wait(options: SignalOption = {}): Promise<CommandResult> {
    const [result] = await Promise.all([this.#execution.wait(options), this.#channel.ended]);
    return result;
  }

  /** Ends it. */
  async kill(options: SignalOption = {}): Promise<void> {
    await this.#execution.stop(options);
  }
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
