import type { Writable } from 'node:stream';

/** What a line of a terminal ends with: Enter, a newline, and the end's own key. */
const LINE_ENDS: readonly number[] = [...Buffer.from('\r\n\x04')];

/** A program's input, as the core writes it. */
export interface Input {
  readonly write: (data: Uint8Array) => Promise<void>;
  readonly close: () => Promise<void>;
}

export function pipeInput(stream: Writable): Input {
  return {
    write: (data) =>
      new Promise((resolve, reject) => {
        stream.write(data, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    close: () =>
      new Promise((resolve) => {
        stream.end(resolve);
      }),
  };
}

/** A terminal's input has no end but the key for it (termios(3), VEOF). In the midst of a line it only hands over what is there. */
export function terminalInput(stream: Writable): Input {
  const { write } = pipeInput(stream);
  let inLine = false;
  return {
    write: async (data) => {
      const last = data.at(-1);
      if (last !== undefined) inLine = !LINE_ENDS.includes(last);
      await write(data);
    },
    close: () => write(Buffer.from(inLine ? '\x04\x04' : '\x04')),
  };
}
