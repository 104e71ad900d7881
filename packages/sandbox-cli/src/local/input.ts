import type { Execution, TtySize } from '@ergon/sandbox-core';
import { Failure } from '../failure.js';

/** Input is refused once the program has ended, which its result tells; and a read ends when its stream is taken away. */
const endedAlready = (): void => {};

/** The size of our terminal. @throws Failure when there is none */
export function terminalSize(): TtySize {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new Failure('-t needs a terminal on stdin and stdout.', 'Leave it out, or give -i to pass stdin as it is.');
  }
  const { columns, rows } = process.stdout;
  return { cols: columns || 80, rows: rows || 24 }; // 0: a terminal that was never told its size
}

/**
 * Passes what comes on stdin to a program, until its end or ours. With a terminal, each key as it is pressed, and each new size.
 * @returns gives the terminal back as it was
 */
export function passInput(execution: Execution): () => void {
  const { stdin, stdout } = process;
  const resize = (): void => void execution.resize(terminalSize()).catch(endedAlready);
  if (execution.tty) {
    stdin.setRawMode(true);
    stdout.on('resize', resize);
  }
  void pump(execution).catch(endedAlready);
  return () => {
    if (execution.tty) {
      stdout.off('resize', resize);
      stdin.setRawMode(false);
    }
    stdin.destroy();
  };
}

async function pump(execution: Execution): Promise<void> {
  for await (const bytes of process.stdin as AsyncIterable<Buffer>) await execution.write(bytes);
  await execution.closeInput();
}
